"""The loop, and the executors that run proposals under limits of time and memory."""
