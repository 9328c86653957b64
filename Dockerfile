# CPU: docker build -t cell-pipelines .              GPU: docker build -t cell-pipelines:gpu --target gpu .
# Use: docker run --rm -v "$PWD:/project" cell-pipelines count images
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS wheel
WORKDIR /source
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE ./
COPY conf conf
COPY src src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:${PYTHON}-slim AS base
# OpenCV's libraries, and Git, whose commit of a project each result states.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir "uv>=0.13,<0.14"
COPY constraints.txt /tmp/
COPY --from=wheel /wheels /tmp/wheels
ENV KEDRO_DISABLE_TELEMETRY=true MLFLOW_DISABLE_TELEMETRY=true
# Also for other users than 1000 (`docker run --user`): caches need a home that can be written, some libraries a name.
ENV HOME=/opt/cells USER=cells
RUN useradd --uid 1000 --create-home --home-dir /opt/cells cells \
    && mkdir /project && chown cells /project && chmod 1777 /opt/cells
WORKDIR /project
ENTRYPOINT ["cell-pipelines"]
CMD ["--help"]

# PyTorch of the package index, with CUDA: docker run --gpus all …
FROM base AS gpu
RUN uv pip install --system --no-cache -c /tmp/constraints.txt /tmp/wheels/*.whl
USER 1000

# PyTorch for CPUs, which is much smaller; the last stage is the default.
FROM base AS cpu
RUN uv pip install --system --no-cache --torch-backend=cpu -c /tmp/constraints.txt /tmp/wheels/*.whl
USER 1000
