"""Other people's models: what each tool's files hold, brought into model files of this project."""
