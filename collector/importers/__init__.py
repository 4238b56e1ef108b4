"""What others recorded, made into sessions: as it is, with what is wrong with it said and not mended."""
