"""What training runs on: device and precision, threads and signals, torch.compile, and distributed ranks."""
