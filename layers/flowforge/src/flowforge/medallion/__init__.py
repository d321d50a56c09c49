"""Pure decisions on data: files and frames in, frames and counts out. Knows no S3, no Lambda, no database."""
