import pytest

from cell_pipelines.credentials import is_secret, plain_without_credentials, public_variables, without_credentials


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://me:pw@host/x", "https://host/x"),
        ("postgresql+psycopg2://me:p@ss@host:5432/mlflow", "postgresql+psycopg2://host:5432/mlflow"),
        ("mysql://me:p/a@ss?@host/db", "mysql://host/db"),
        ("https://token@host", "https://host"),
        ("redis://:pw@host, redis://a:b@other", "redis://host, redis://other"),
        ("https://host/?user=me&access_token=abc&x=1", "https://host/?user=me&access_token=&x=1"),
        ("Server=host;Password=pw;Port=1", "Server=host;Password=;Port=1"),
    ],
)
def test_addresses_are_written_without_credentials(address, expected):
    assert without_credentials(address) == expected
    assert "pw" not in without_credentials(f"kedro run '--params=images={address}'").replace("Password", "")


@pytest.mark.parametrize(
    "text",
    ["https://host:5000/path@v1", "sqlite:////home/me@work/mlflow.db", "me@host", "C:\\cells", "/data/a:b@c", "", "2",
     "http://localhost:5000", "file:///data/keys/key=1", "yolo.key=3,images=/my images"],
)  # fmt: skip
def test_other_texts_stay_as_they_are(text):
    assert without_credentials(text) == text


@pytest.mark.parametrize(
    "name",
    ["KEY", "APIKEY", "KEY_FILE", "MY_TOKEN_2", "DB_PWD", "passwd", "PASSWORD", "SSH_PASSPHRASE", "Secret",
     "BASIC_AUTH", "OAUTH_ID", "AUTHORIZATION", "CELL_SECRET", "AWS_CREDENTIALS"],
)  # fmt: skip
def test_secrets_are_known_by_any_part_of_their_names(name):
    assert is_secret(name)
    assert public_variables({name: "x", "A": "://me:pw@host"}) == {"A": "://host"}


@pytest.mark.parametrize(
    "name",
    ["CELL_DATA_ROOT", "CELL_ARTIFACT_ROOT", "CELL_REAL_DATA", "CELL_LIVE_DEAD", "OMP_NUM_THREADS",
     "CUDA_VISIBLE_DEVICES", "MLFLOW_TRACKING_URI", "AUTHOR", "CELL_AUTHORS_FILE"],
)  # fmt: skip
def test_what_a_run_needs_is_no_secret(name):
    assert not is_secret(name)


def test_nested_values_keep_their_form():
    value = {"a": ["https://me:pw@host", 1, None], "b": {"c": True}}
    assert plain_without_credentials(value) == {"a": ["https://host", 1, None], "b": {"c": True}}
