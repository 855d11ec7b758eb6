package com.example.faces

import android.content.Context
import android.graphics.Bitmap
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.Environment
import java.util.Random
import org.json.JSONObject

/** A slider: index and name of an attribute, and how far its strength may go. */
class Attribute(val index: Int, val name: String, val minimum: Float, val maximum: Float)

/** A face and the latent that it was decoded from, for edits. */
class Face(val latent: FloatArray, val image: Bitmap)

/**
 * The exported model. Loading takes a while and a face some milliseconds: make it and call it on one background thread.
 *
 * @param options where it runs; the GPU needs the artifact litert-gpu.
 * @param environment of LiteRT in Google Play services; null for the runtime inside the app.
 */
class FaceModel(
    private val context: Context,
    private val options: CompiledModel.Options = CompiledModel.Options(Accelerator.CPU),
    private val environment: Environment? = null
) : AutoCloseable {
    private val card = JSONObject(context.assets.open("model_card.json").use { String(it.readBytes()) })
    private val signatures = card.getJSONObject("signatures")
    private val sampling = card.getJSONObject("sampling")
    private val latentSize = card.getInt("latent_dim")

    /** Pixels along each side of an image. */
    val size = card.getInt("image_size")

    /** In the order of the strengths of `edit`. */
    val attributes: List<Attribute> = card.getJSONArray("attributes").let { list ->
        List(list.length()) { index ->
            val entry = list.getJSONObject(index)
            val ends = listOf("minimum", "maximum").map { entry.getDouble(it).toFloat() }
            Attribute(index, entry.getString("name"), ends[0], ends[1])
        }
    }

    /** Where `FaceFinder` sees the eyes in the training images, as fractions of the side; null where unknown. */
    val eyes: List<Pair<Float, Float>>? = card.optJSONArray("seen_eyes")?.let { eyes ->
        List(2) { i -> eyes.getJSONArray(i).let { Pair(it.getDouble(0).toFloat(), it.getDouble(1).toFloat()) } }
    }

    private val decoder = load("decoder.tflite")
    private val encoder = lazy { load("encoder.tflite") }
    private val calls = mutableMapOf<String, Call>()

    /** A new face. A lower temperature draws more typical ones; the default is the model's best where it was measured. */
    fun newFace(random: Random, temperature: Double = sampling.optDouble("temperature", 0.7)): Face {
        // The last number of a density's noise chooses its component, and has no temperature.
        val noise = FloatArray(sampling.getInt("noise")) { i ->
            (random.nextGaussian() * if (i < latentSize) temperature else 1.0).toFloat()
        }
        if (!signatures.has("sample")) return Face(noise, decode(noise)) // a model without a fitted density
        val drawn = call("sample").run(mapOf("noise" to noise))
        return Face(drawn.getValue("latent"), bitmap(drawn.getValue("image")))
    }

    /** Nine new faces: a call makes one, so that this makes nine calls. */
    fun sheet(random: Random): List<Face> = List(9) { newFace(random) }

    /** The image of a latent. */
    fun decode(latent: FloatArray): Bitmap =
        bitmap(call("decode").run(mapOf("latent" to latent)).getValue("image"))

    /** The image of a latent whose attributes are moved: one strength each, 0 changes nothing. */
    fun edit(latent: FloatArray, strengths: FloatArray): Bitmap =
        bitmap(call("edit").run(mapOf("latent" to latent, "strengths" to strengths)).getValue("image"))

    /** The latent of an aligned face of `size` × `size` pixels. */
    fun encode(face: Bitmap): FloatArray {
        val colours = IntArray(size * size)
        face.getPixels(colours, 0, size, 0, 0, size, size)
        val image = FloatArray(3 * colours.size) { i -> (colours[i / 3] shr (16 - 8 * (i % 3)) and 0xFF) / 255f }
        return call("encode").run(mapOf("image" to image)).getValue("mean")
    }

    override fun close() {
        calls.values.forEach { it.close() }
        decoder.close()
        if (encoder.isInitialized()) encoder.value.close()
    }

    private fun load(file: String) = CompiledModel.create(context.assets, file, options, environment)

    private fun call(signature: String) = calls.getOrPut(signature) {
        Call(if (signature == "encode") encoder.value else decoder, signature, signatures.getJSONObject(signature))
    }

    private fun bitmap(image: FloatArray): Bitmap {
        val colours = IntArray(size * size) { pixel ->
            (0..2).fold(0xFF) { colour, i -> (colour shl 8) or (image[3 * pixel + i] * 255f + 0.5f).toInt() }
        }
        return Bitmap.createBitmap(colours, size, size, Bitmap.Config.ARGB_8888)
    }
}

/** One signature of a model, with buffers that are made once. */
private class Call(private val model: CompiledModel, private val signature: String, names: JSONObject) : AutoCloseable {
    private val inputs =
        names.getJSONObject("inputs").keys().asSequence().associateWith { model.createInputBuffer(it, signature) }
    private val outputs =
        names.getJSONObject("outputs").keys().asSequence().associateWith { model.createOutputBuffer(it, signature) }

    fun run(values: Map<String, FloatArray>): Map<String, FloatArray> {
        values.forEach { (name, numbers) -> inputs.getValue(name).writeFloat(numbers) }
        model.run(inputs, outputs, signature)
        return outputs.mapValues { it.value.readFloat() }
    }

    override fun close() = (inputs.values + outputs.values).forEach { it.close() }
}
