"""Whether Keras is set as the networks need it. The commands set it so; programs may have chosen otherwise."""

from facevae.errors import UserError


def check_keras() -> None:
    """Imports Keras and looks at its settings.

    Raises:
        UserError: another backend than TensorFlow, images with their channels first, or settings with which Keras does
            not start.
    """
    try:
        import keras
    except Exception as error:
        if isinstance(error, OSError) or (
            isinstance(error, ModuleNotFoundError) and error.name in ("keras", "tensorflow")
        ):
            raise
        raise UserError(
            f"Keras: expected the backend tensorflow and settings that it understands, received: {error}. Set the "
            "environment variable KERAS_BACKEND=tensorflow before Keras is imported; if it is set, delete "
            "~/.keras/keras.json."
        ) from error
    if keras.config.backend() != "tensorflow":
        raise UserError(
            f"Keras: expected the backend tensorflow, received {keras.config.backend()}. Set the environment variable "
            "KERAS_BACKEND=tensorflow before Keras is imported."
        )
    if keras.config.image_data_format() != "channels_last":
        raise UserError(
            f"Keras: expected images channels_last, received {keras.config.image_data_format()}. "
            'Call keras.config.set_image_data_format("channels_last"), or set it in ~/.keras/keras.json.'
        )
