"""TensorBoard's file rules: event files, the embedding projector, and how a run is served."""
