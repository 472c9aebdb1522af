"""What pretrained networks that stay as they are make of cells: computed once for each content, whoever asks."""
