package com.example.faces

import android.content.Context
import android.graphics.Bitmap
import android.graphics.BitmapShader
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Matrix
import android.graphics.Paint
import android.graphics.Shader
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import kotlin.math.abs
import kotlin.math.exp
import kotlin.math.hypot
import kotlin.math.max
import kotlin.math.min

// The least probability of a face in the first look, which may be unsure, as the second decides; and in the second.
const val CANDIDATE_SCORE = 0.2f
const val LEAST_SCORE = 0.5f
const val CLOSE_UP = 2.6f // the side of the second look, in widths of the face's box
const val SURE = 0.65f // of a face that is seen in a part of the photograph only
// Of the face's width: where the eyes lie so far from where they were thought, a third look is taken.
const val FAR_OFF = 0.1f
const val PART = 0.75f // of the longer side: the squares that are looked at where no face is seen in the whole

/** A detector's file, the side of the picture that it takes, and its anchors: cells on a side, and anchors in each. */
enum class Detector(val file: String, val side: Int, val grids: List<Pair<Int, Int>>) {
    WHOLE("face_detection_full_range.tflite", 192, listOf(48 to 1)),
    CLOSE("face_detection_short_range.tflite", 128, listOf(16 to 2, 8 to 6))
}

/**
 * A face: x and y of the centre of its box, the box's width and height, then x and y of the left eye, the right eye, the
 * nose, the mouth, the left ear and the right ear; left and right are those of the picture.
 */
class Detection(val numbers: FloatArray, val score: Float)

/** A square cut out of a photograph: a step to the right in it is (a, b) there, and its top left corner (x, y). */
class Square(val a: Float, val b: Float, val x: Float, val y: Float, val side: Int) {
    fun toPhotograph(seen: Detection) = Detection(FloatArray(16) { i ->
        val (u, v) = Pair(seen.numbers[i - i % 2], seen.numbers[i - i % 2 + 1])
        when {
            i == 2 || i == 3 -> seen.numbers[i] * hypot(a, b)
            i % 2 == 0 -> a * u - b * v + x
            else -> b * u + a * v + y
        }
    }, seen.score)

    /** The pixels; beyond the photograph they are black, or its border is repeated. */
    fun cut(photograph: Bitmap, repeated: Boolean): Bitmap {
        var (source, scale) = Pair(photograph, 1f)
        while (hypot(a, b) / scale >= 2f) { // halve it first: drawing takes single pixels
            source = Bitmap.createScaledBitmap(source, max(1, source.width / 2), max(1, source.height / 2), true)
            scale *= 2f
        }
        val toView = Matrix()
        Matrix().apply {
            setValues(floatArrayOf(a / scale, -b / scale, x / scale, b / scale, a / scale, y / scale, 0f, 0f, 1f))
        }.invert(toView)
        val view = Bitmap.createBitmap(side, side, Bitmap.Config.ARGB_8888)
        val paint = Paint(Paint.FILTER_BITMAP_FLAG)
        Canvas(view).apply {
            drawColor(Color.BLACK)
            if (repeated) {
                paint.shader = BitmapShader(source, Shader.TileMode.CLAMP, Shader.TileMode.CLAMP)
                    .apply { setLocalMatrix(toView) }
                drawPaint(paint)
            } else {
                drawBitmap(source, toView, paint)
            }
        }
        return view
    }

    companion object {
        fun whole(width: Int, height: Int, side: Int): Square {
            val scale = max(width, height).toFloat() / side
            return Square(scale, 0f, (width - scale * side) / 2, (height - scale * side) / 2, side)
        }

        /** The square around a face, `times` as wide as its box, and turned so that the eyes are level. */
        fun around(face: FloatArray, times: Float, side: Int): Square {
            val (dx, dy) = Pair(face[6] - face[4], face[7] - face[5])
            val step = times * face[2] / side / max(hypot(dx, dy), 1e-6f)
            val (a, b) = Pair(step * dx, step * dy)
            return Square(a, b, face[0] - (a - b) * side / 2, face[1] - (b + a) * side / 2, side)
        }

        /** Overlapping squares that cover a photograph: two along each side that is longer than they are. */
        fun overlapping(width: Int, height: Int, side: Int): List<Square> {
            val across = PART * max(width, height)
            fun along(length: Int) = if (length <= across) listOf((length - across) / 2) else listOf(0f, length - across)
            return along(height).flatMap { y -> along(width).map { x -> Square(across / side, 0f, x, y, side) } }
        }

        /** The square in which the eyes of a face come to lie at two places, in fractions of its side. */
        fun aligning(face: FloatArray, eyes: List<Pair<Float, Float>>, side: Int): Square {
            val (left, right) = eyes.map { (u, v) -> Pair(u * side, v * side) }
            val (u, v) = Pair(right.first - left.first, right.second - left.second)
            val (dx, dy) = Pair(face[6] - face[4], face[7] - face[5])
            val (a, b) = Pair((dx * u + dy * v) / (u * u + v * v), (dy * u - dx * v) / (u * u + v * v))
            val x = face[4] - a * left.first + b * left.second
            return Square(a, b, x, face[5] - b * left.first - a * left.second, side)
        }
    }
}

/** Finds faces in a photograph, first in the whole of it, then closer. For one background thread. */
class FaceFinder(context: Context) : AutoCloseable {
    private val models = Detector.values().associate {
        it to CompiledModel.create(context.assets, it.file, CompiledModel.Options(Accelerator.CPU))
    }

    /** The faces, the largest first; small ones where there is no larger one. */
    fun find(photograph: Bitmap): List<Detection> {
        val (width, height) = Pair(photograph.width, photograph.height)
        val whole = Detector.values().map { Pair(it, Square.whole(width, height, it.side)) }
        val parts = Square.overlapping(width, height, Detector.WHOLE.side).map { Pair(Detector.WHOLE, it) }
        val faces = closely(photograph, whole).ifEmpty { closely(photograph, parts).filter { it.score >= SURE } }
        return faces.sortedByDescending { it.numbers[2] }
    }

    /** What is seen in some squares and is a face at a closer look, and at another where the first look was far off. */
    private fun closely(photograph: Bitmap, looks: List<Pair<Detector, Square>>): List<Detection> {
        val first = averaged(looks.flatMap { (detector, view) ->
            look(detector, view.cut(photograph, repeated = false), CANDIDATE_SCORE).map { view.toPhotograph(it) }
        })
        val faces = mutableListOf<Detection>()
        for (seen in first.take(64)) {
            val second = closer(photograph, seen) ?: continue
            val face = if (farOff(second.numbers, seen.numbers)) closer(photograph, second) ?: second else second
            if (faces.none { sameFace(it.numbers, face.numbers) }) faces.add(face)
        }
        return faces
    }

    /** The image for `FaceModel.encode`: `eyes` are where the detector sees them in the training images. */
    fun align(photograph: Bitmap, face: Detection, eyes: List<Pair<Float, Float>>, size: Int): Bitmap =
        Square.aligning(face.numbers, eyes, size).cut(photograph, repeated = true)

    override fun close() = models.values.forEach { it.close() }

    /** A second look, at a face turned upright: only then do its eyes lie within a pixel or two. */
    private fun closer(photograph: Bitmap, face: Detection): Detection? {
        val view = Square.around(face.numbers, CLOSE_UP, Detector.CLOSE.side)
        val closeUp = view.cut(photograph, repeated = false)
        val seen = inTheMiddle(look(Detector.CLOSE, closeUp, LEAST_SCORE), view.side) ?: return null
        val other = inTheMiddle(look(Detector.CLOSE, closeUp, LEAST_SCORE, mirrored = true), view.side)
        val mean = if (other == null) seen else mean(seen, mirrored(other, view.side))
        return view.toPhotograph(mean)
    }

    private fun look(
        detector: Detector,
        picture: Bitmap,
        leastScore: Float,
        mirrored: Boolean = false
    ): List<Detection> {
        val side = detector.side
        val colours = IntArray(side * side)
        picture.getPixels(colours, 0, side, 0, 0, side, side)
        val model = models.getValue(detector)
        val inputs = model.createInputBuffers()
        val outputs = model.createOutputBuffers()
        inputs[0].writeFloat(FloatArray(3 * side * side) { i ->
            val (row, column) = Pair(i / 3 / side, i / 3 % side)
            val colour = colours[row * side + if (mirrored) side - 1 - column else column]
            (colour shr (16 - 8 * (i % 3)) and 0xFF) / 127.5f - 1f
        })
        model.run(inputs, outputs)
        val (scores, boxes) = outputs.map { it.readFloat() }.sortedBy { it.size }
        (inputs + outputs).forEach { it.close() }
        return averaged(decoded(detector, boxes, scores, leastScore))
    }
}

/** The latent of the largest face in an upright photograph; null where there is none. */
fun latentOf(photograph: Bitmap, finder: FaceFinder, model: FaceModel): FloatArray? {
    val eyes = model.eyes ?: return null // trained on pictures whose eyes are anywhere
    return finder.find(photograph).firstOrNull()?.let { face ->
        model.encode(finder.align(photograph, face, eyes, model.size))
    }
}

/** The network's numbers as faces in pixels of its picture. */
fun decoded(detector: Detector, boxes: FloatArray, logits: FloatArray, leastScore: Float): List<Detection> {
    val anchors = detector.grids.flatMap { (cells, count) ->
        List(cells * cells * count) { i ->
            Pair((i / count % cells + 0.5f) / cells, (i / count / cells + 0.5f) / cells)
        }
    }
    return anchors.mapIndexedNotNull { i, (x, y) ->
        val score = 1f / (1f + exp(-logits[i]))
        if (score < leastScore) null else Detection(FloatArray(16) { j ->
            val from = if (j == 2 || j == 3) 0f else detector.side * if (j % 2 == 0) x else y
            boxes[16 * i + j] + from
        }, score)
    }
}

/** One face for each group of boxes that overlap with its surest one: their mean, weighted by the scores. */
fun averaged(found: List<Detection>): List<Detection> {
    val faces = mutableListOf<Detection>()
    var left = found.sortedByDescending { it.score }
    while (left.isNotEmpty()) {
        val best = left[0]
        val (same, others) = left.partition { it === best || overlap(best.numbers, it.numbers) > 0.3f }
        val total = same.map { it.score }.sum()
        faces.add(Detection(FloatArray(16) { j -> same.map { it.score * it.numbers[j] }.sum() / total }, best.score))
        left = others
    }
    return faces
}

/** Intersection over union of two boxes. */
fun overlap(one: FloatArray, other: FloatArray): Float {
    val common = (0..1).map { i ->
        val low = max(one[i] - one[i + 2] / 2, other[i] - other[i + 2] / 2)
        max(0f, min(one[i] + one[i + 2] / 2, other[i] + other[i + 2] / 2) - low)
    }.reduce { width, height -> width * height }
    return common / max(one[2] * one[3] + other[2] * other[3] - common, 1e-9f)
}

/** Of the faces in a close-up, the one in its middle; null where all are neighbours of the one that was sought. */
fun inTheMiddle(seen: List<Detection>, side: Int): Detection? {
    fun away(face: Detection) = (0..1).map { abs(face.numbers[it] - side / 2f) }.reduce { x, y -> max(x, y) }
    val nearest = seen.sortedBy { away(it) }.firstOrNull()
    return if (nearest == null || away(nearest) > side / 4f) null else nearest
}

/** A face of a mirrored view, in the view. */
fun mirrored(face: Detection, side: Int): Detection {
    val order = listOf(0, 1, 3, 2, 4, 5, 7, 6) // the left eye is the right one, and so the ears
    return Detection(FloatArray(16) { i ->
        val number = face.numbers[2 * order[i / 2] + i % 2]
        if (i % 2 == 0 && i != 2) side - number else number
    }, face.score)
}

private fun mean(one: Detection, other: Detection) =
    Detection(FloatArray(16) { (one.numbers[it] + other.numbers[it]) / 2 }, one.score)

/** Whether the eyes of a face lie elsewhere than they were thought to. */
fun farOff(face: FloatArray, thought: FloatArray) =
    listOf(4, 6).any { hypot(face[it] - thought[it], face[it + 1] - thought[it + 1]) > FAR_OFF * face[2] }

private fun sameFace(one: FloatArray, other: FloatArray) =
    hypot(one[0] - other[0], one[1] - other[1]) < max(one[2], other[2]) / 4
