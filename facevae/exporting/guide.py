"""The guide for app developers, with the names, shapes and types of one export."""

from typing import Any

ANDROID_RUNTIME = "com.google.ai.edge.litert:litert:2.1.5"
ANDROID_PAGE = "https://ai.google.dev/edge/litert/android"
IOS_RUNTIME = "TensorFlowLiteSwift 2.17.0"
IOS_PAGE = "https://ai.google.dev/edge/litert/ios/quickstart"


def mobile_guide(card: dict[str, Any], decoder: str = "decoder_dynamic_int8.tflite") -> str:
    """Markdown that shows how an app on Android (Kotlin) and iOS (Swift) runs the files.

    Args:
        card: the model card of the export.
        decoder: the decoder's file that the examples load.
    """
    signatures, size = card["signatures"], card["image_size"]
    parts = [
        _introduction(card, decoder),
        _signature_table(signatures),
        _android(card, decoder),
        _ios(card, decoder),
    ]
    if card["attributes"]:
        names = "\n".join(
            f"| {index} | {entry['name']} | {entry['minimum']} | {entry['maximum']} |"
            for index, entry in enumerate(card["attributes"])
        )
        parts.append(
            "## Attributes\n\nThe order of `strengths`. 0 leaves a face as it is, 1 is the gap between faces "
            f"without and with the attribute.\n\n| index | name | from | to |\n| --: | --- | --: | --: |\n{names}\n"
        )
    dimensions = "\n".join(
        f"| {entry['dimension']} | {entry['minimum']} | {entry['maximum']} |"
        for entry in card["strongest_dimensions"]
    )
    parts.append(
        "## Strongest latent dimensions\n\nWhat to put on sliders besides, or instead of, attributes: set "
        f"`latent[dimension]`.\n\n| dimension | from | to |\n| --: | --: | --: |\n{dimensions}\n"
    )
    eyes = card["eyes"]
    if eyes:
        places = " and ".join(f"({x * size:.1f}, {y * size:.1f})" for x, y in eyes)
        parts.append(
            "## Photographs\n\nThe encoder knows faces at one place and size: turn, scale and crop a photograph so "
            f"that the eyes' centres come to lie at {places} of the {size}×{size} pixels, then call `encode_uint8` of "
            "`encoder.tflite` and decode its `mean`.\n"
        )
    return "\n".join(parts)


def _introduction(card: dict[str, Any], decoder: str) -> str:
    return f"""# The decoder in an app

How an app loads `{decoder}` and draws faces of {card["image_size"]}×{card["image_size"]} pixels from
{card["latent_dim"]} numbers. Names, shapes and types below come from an export; `MOBILE.md` in an export folder is this
guide for that export. The code was written from the runtimes' documentation and has not been compiled here.

| platform | runtime | source |
| --- | --- | --- |
| Android 6 or newer | `{ANDROID_RUNTIME}` | <{ANDROID_PAGE}> |
| iOS | `{IOS_RUNTIME}` (CocoaPods) | <{IOS_PAGE}> |

Read the terms in `MODEL_CARD.md` before you ship a model: those of its training pictures are yours to keep.
"""


def _signature_table(signatures: dict[str, Any]) -> str:
    rows = []
    for name, sides in signatures.items():
        file = "encoder.tflite" if name.startswith("encode") else "decoder_*.tflite"
        inputs, outputs = (
            ", ".join(f"`{key}: {dtype}{shape}`" for key, (shape, dtype) in sides[side].items())
            for side in ("inputs", "outputs")
        )
        rows.append(f"| `{name}` | {file} | {inputs} | {outputs} |")
    table = "\n".join(rows)
    return f"""## Signatures

| signature | file | inputs | outputs |
| --- | --- | --- | --- |
{table}

Float pictures are RGB in [0, 1], rows from the top; uint8 pictures are RGBA. Latents and noise are numbers of N(0, 1)
unless they come from `encode` or `sample`.
"""


def _android(card: dict[str, Any], decoder: str) -> str:
    size, latent_dim, attributes = card["image_size"], card["latent_dim"], len(card["attributes"])
    count = card["sampling"]["noise"]
    edit = ""
    if attributes:
        edit = f"""
    /** The face of a latent with its attributes moved; `strengths` has {attributes} entries, in the order below. */
    fun edit(latent: FloatArray, strengths: FloatArray): Bitmap {{
        val image = floats({size * size * 3})
        interpreter.runSignature(
            mapOf("latent" to floats(latent), "strengths" to floats(strengths)),
            mapOf("image" to image), "edit")
        return bitmap(image)
    }}
"""
    sample = ""
    if "sample" in card["signatures"]:
        sample = f"""
    /** A new face: its latent, to edit it further, and its picture. */
    fun newFace(random: java.util.Random): Pair<FloatArray, Bitmap> {{
        val noise = FloatArray({count}) {{ random.nextGaussian().toFloat() }}
        val image = floats({size * size * 3})
        val latent = floats({latent_dim})
        interpreter.runSignature(
            mapOf("noise" to floats(noise)), mapOf("image" to image, "latent" to latent), "sample")
        latent.rewind()
        return Pair(FloatArray({latent_dim}) {{ latent.getFloat() }}, bitmap(image))
    }}
"""
    return f"""## Android (Kotlin)

Put the file into `app/src/main/assets`, and into `app/build.gradle.kts`:

```kotlin
android {{ androidResources {{ noCompress += "tflite" }} }}
dependencies {{ implementation("{ANDROID_RUNTIME}") }}
```

```kotlin
import android.content.Context
import android.graphics.Bitmap
import java.io.FileInputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.channels.FileChannel
import org.tensorflow.lite.Interpreter

class FaceDecoder(context: Context) : AutoCloseable {{
    private val interpreter = context.assets.openFd("{decoder}").use {{ file ->
        FileInputStream(file.fileDescriptor).channel.use {{ channel ->
            Interpreter(
                channel.map(FileChannel.MapMode.READ_ONLY, file.startOffset, file.declaredLength),
                Interpreter.Options().setNumThreads(1))
        }}
    }}

    /** The face of a latent: {latent_dim} numbers. */
    fun decode(latent: FloatArray): Bitmap {{
        val image = ByteBuffer.allocateDirect({size * size * 4})
        interpreter.runSignature(
            mapOf("latent" to floats(latent)), mapOf("image" to image), "decode_uint8")
        image.rewind()
        return Bitmap.createBitmap({size}, {size}, Bitmap.Config.ARGB_8888).apply {{ copyPixelsFromBuffer(image) }}
    }}
{edit}{sample}
    private fun bitmap(image: ByteBuffer): Bitmap {{
        image.rewind()
        val colours = IntArray({size * size}) {{
            val (r, g, b) = List(3) {{ (image.getFloat() * 255f + 0.5f).toInt() }}
            (255 shl 24) or (r shl 16) or (g shl 8) or b
        }}
        return Bitmap.createBitmap(colours, {size}, {size}, Bitmap.Config.ARGB_8888)
    }}

    private fun floats(count: Int) = ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder())

    private fun floats(values: FloatArray) = floats(values.size).apply {{
        values.forEach {{ putFloat(it) }}
        rewind()
    }}

    override fun close() = interpreter.close()
}}
```

`imageView.setImageBitmap(decoder.decode(latent))` shows it. One instance serves one thread at a time; a face takes
milliseconds, but loading belongs off the main thread.
"""


def _ios(card: dict[str, Any], decoder: str) -> str:
    size, latent_dim, attributes = card["image_size"], card["latent_dim"], len(card["attributes"])
    pod, version = IOS_RUNTIME.split()
    resource = decoder.removesuffix(".tflite")
    edit = ""
    if attributes:
        edit = f"""
    /// The float picture ({size}×{size}×3, in [0, 1]) of a latent with its {attributes} attributes moved.
    func edit(latent: [Float], strengths: [Float]) throws -> [Float] {{
        let runner = try interpreter.signatureRunner(with: "edit")
        try runner.invoke(with: ["latent": bytes(latent), "strengths": bytes(strengths)])
        return try runner.output(named: "image").data.withUnsafeBytes {{ Array($0.bindMemory(to: Float.self)) }}
    }}
"""
    count = card["sampling"]["noise"]
    sample = ""
    if "sample" in card["signatures"]:
        sample = f"""
    /// The latent of a new face, from {count} numbers of N(0, 1).
    func newLatent(noise: [Float]) throws -> [Float] {{
        let runner = try interpreter.signatureRunner(with: "sample")
        try runner.invoke(with: ["noise": bytes(noise)])
        return try runner.output(named: "latent").data.withUnsafeBytes {{ Array($0.bindMemory(to: Float.self)) }}
    }}
"""
    return f"""## iOS (Swift)

`Podfile`: `pod '{pod}', '~> {version}'`. Add `{decoder}` to the app's target.

```swift
import CoreGraphics
import Foundation
import TensorFlowLite

final class FaceDecoder {{
    private let interpreter: Interpreter

    init() throws {{
        let path = Bundle.main.path(forResource: "{resource}", ofType: "tflite")!
        var options = Interpreter.Options()
        options.threadCount = 1
        interpreter = try Interpreter(modelPath: path, options: options)
    }}

    /// The face of a latent: {latent_dim} numbers.
    func decode(latent: [Float]) throws -> CGImage? {{
        let runner = try interpreter.signatureRunner(with: "decode_uint8")
        try runner.invoke(with: ["latent": bytes(latent)])
        let pixels = try runner.output(named: "image").data
        guard let provider = CGDataProvider(data: pixels as CFData) else {{ return nil }}
        return CGImage(
            width: {size}, height: {size}, bitsPerComponent: 8, bitsPerPixel: 32, bytesPerRow: {4 * size},
            space: CGColorSpaceCreateDeviceRGB(),
            bitmapInfo: CGBitmapInfo(rawValue: CGImageAlphaInfo.noneSkipLast.rawValue),
            provider: provider, decode: nil, shouldInterpolate: true, intent: .defaultIntent)
    }}
{edit}{sample}
    private func bytes(_ values: [Float]) -> Data {{
        values.withUnsafeBufferPointer {{ Data(buffer: $0) }}
    }}
}}
```

`UIImageView(image: UIImage(cgImage: image))` shows it.
"""
