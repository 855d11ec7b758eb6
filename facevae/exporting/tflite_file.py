"""Reads and edits .tflite files as flatbuffers. Does not import TensorFlow.

The model card is stored as an entry of `Model.metadata`, which survives re-quantisation, unlike a zip archive appended
to the file.
"""

import pathlib

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from facevae.exporting.formats import METADATA_NAME


def finished(content: bytes, card: bytes) -> bytes:
    """Adds the model card to a converted file's content, and removes duplicate quantisation parameters."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(card, np.uint8)
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = METADATA_NAME, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]
    builder = _SharingBuilder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class _SharingBuilder(flatbuffers.Builder):
    """Writes equal vectors once; all tables with an equal vector refer to the same copy.

    The signatures share the values of the weights, but the converter writes the quantisation parameters again for each
    signature: 12 bytes per channel (a scale and a zero point), a sixth of a small decoder in 8 bits.
    """

    def __init__(self):
        super().__init__(1024)
        self._places: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, values: np.ndarray) -> int:  # noqa: N802 (the base class's name)
        key = (values.dtype.str, values.tobytes())
        if key not in self._places:
            self._places[key] = super().CreateNumpyVector(values)
        return self._places[key]


def read_metadata(path: pathlib.Path) -> bytes | None:
    """The model card in a .tflite file, None where there is none."""
    model = schema.Model.GetRootAs(path.read_bytes(), 0)
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == METADATA_NAME.encode():
            return model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
    return None


def only_signatures(path: pathlib.Path, names: set[str]) -> bytes:
    """The content of a copy of the file with these signatures only.

    Needed where LiteRT reports on a whole file only, such as whether XNNPACK runs all of it.
    """
    model = flatbuffer_utils.read_model(path)
    kept = [signature for signature in model.signatureDefs if signature.signatureKey.decode() in names]
    model.subgraphs = [model.subgraphs[signature.subgraphIndex] for signature in kept]
    for index, signature in enumerate(kept):
        signature.subgraphIndex = index
    model.signatureDefs = kept
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def operations(path: pathlib.Path) -> dict[str, list[str]]:
    """The names of the operations of each signature; those that are not builtins as `CUSTOM name`."""
    model = flatbuffer_utils.read_model(path)
    names = []
    for code in model.operatorCodes:
        builtin = flatbuffer_utils.get_builtin_code_from_operator_code(code)
        name = _BUILTIN_NAMES.get(builtin, f"operation {builtin}")
        names.append(f"CUSTOM {code.customCode.decode()}" if name == "CUSTOM" else name)
    return {
        signature.signatureKey.decode(): [
            names[operator.opcodeIndex] for operator in model.subgraphs[signature.subgraphIndex].operators
        ]
        for signature in model.signatureDefs or []
    }


_BUILTIN_NAMES = {
    value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")
}
