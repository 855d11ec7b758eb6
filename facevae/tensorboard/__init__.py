"""Writing TensorBoard's files (events, the embedding projector), and starting its server."""
