"""From session folders to Parquet clips."""
