"""The engine (分组引擎): batches and files of cases in, their groups out."""
