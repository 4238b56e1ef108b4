"""Publishing a data set to the Hugging Face Hub: the card and the upload."""
