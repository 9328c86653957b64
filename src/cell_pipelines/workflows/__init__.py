"""What several pipelines, and every other entry point, do with images, models and cells; free of Kedro and MLflow."""
