"""Process images, models and cells for several pipelines and every other entry point; free of Kedro and MLflow."""
