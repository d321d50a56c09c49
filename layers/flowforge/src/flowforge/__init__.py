"""FlowForge on AWS: files to Bronze, Silver and Gold datasets on S3."""
