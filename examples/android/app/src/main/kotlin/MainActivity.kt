package com.example.faces

import android.app.Activity
import android.graphics.Bitmap
import android.os.Bundle
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.GridLayout
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.ScrollView
import android.widget.SeekBar
import android.widget.TextView
import java.util.Random
import java.util.concurrent.Executors
import java.util.concurrent.atomic.AtomicInteger

/** The attributes that get a slider, where the model has them; others take the place of those that it has not. */
private val SHOWN = listOf("Smiling", "Eyeglasses", "Blond_Hair")

/** Nine faces; the one that is tapped can be edited with three sliders. */
class MainActivity : Activity() {
    private val worker = Executors.newSingleThreadExecutor() // the only thread that uses the model
    private val newestEdit = AtomicInteger()
    private val random = Random()
    private var model: FaceModel? = null
    private var chosen: Face? = null
    private lateinit var sheet: GridLayout
    private lateinit var edited: ImageView
    private lateinit var page: LinearLayout
    private val sliders = mutableListOf<Pair<Attribute, SeekBar>>()

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        page = LinearLayout(this).apply { orientation = LinearLayout.VERTICAL }
        sheet = GridLayout(this).apply { columnCount = 3 }
        edited = picture(null, 2)
        listOf(sheet, button("More") { draw() }, edited).forEach { page.addView(it) }
        setContentView(ScrollView(this).apply {
            fitsSystemWindows = true
            addView(page)
        })
        inBackground {
            val loaded = FaceModel(applicationContext)
            model = loaded
            val shown = SHOWN.mapNotNull { name -> loaded.attributes.find { it.name == name } }
            runOnUiThread { addSliders((shown + loaded.attributes).distinct().take(3)) }
        }
        draw()
    }

    override fun onDestroy() {
        worker.execute { model?.close() }
        worker.shutdown()
        super.onDestroy()
    }

    /** Shows nine other faces. */
    private fun draw() = inBackground {
        model?.sheet(random)?.let { faces ->
            runOnUiThread {
                sheet.removeAllViews()
                faces.forEachIndexed { index, face ->
                    sheet.addView(picture(face.image, 3).apply {
                        contentDescription = "Face ${index + 1}"
                        setOnClickListener { choose(face) }
                    })
                }
                choose(faces.first())
            }
        }
    }

    private fun choose(face: Face) {
        chosen = face
        sliders.forEach { (_, bar) -> bar.progress = bar.max / 2 }
        edited.setImageBitmap(face.image)
    }

    /** Draws the chosen face as the sliders say; of several moves only the last one is drawn. */
    private fun edit() {
        val face = chosen ?: return
        val turn = newestEdit.incrementAndGet()
        val positions = sliders.map { (attribute, bar) -> Pair(attribute, bar.progress.toFloat() / bar.max) }
        inBackground {
            val current = model
            if (current != null && turn == newestEdit.get()) {
                val strengths = FloatArray(current.attributes.size)
                for ((attribute, position) in positions) {
                    strengths[attribute.index] =
                        attribute.minimum + position * (attribute.maximum - attribute.minimum)
                }
                val image = current.edit(face.latent, strengths)
                runOnUiThread { if (turn == newestEdit.get()) edited.setImageBitmap(image) }
            }
        }
    }

    private fun addSliders(attributes: List<Attribute>) = attributes.forEach { attribute ->
        val bar = SeekBar(this).apply {
            max = 200
            progress = max / 2
            contentDescription = attribute.name
            setOnSeekBarChangeListener(object : SeekBar.OnSeekBarChangeListener {
                override fun onProgressChanged(bar: SeekBar, progress: Int, fromUser: Boolean) {
                    if (fromUser) edit()
                }

                override fun onStartTrackingTouch(bar: SeekBar) = Unit

                override fun onStopTrackingTouch(bar: SeekBar) = Unit
            })
        }
        sliders.add(Pair(attribute, bar))
        page.addView(label(attribute.name.replace('_', ' ')))
        page.addView(bar)
    }

    /** Runs work on the model's thread; a mistake becomes a line on the screen. */
    private fun inBackground(work: () -> Unit) = worker.execute {
        try {
            work()
        } catch (error: Exception) {
            runOnUiThread { page.addView(label("$error"), 0) }
        }
    }

    private fun picture(image: Bitmap?, columns: Int) = ImageView(this).apply {
        val side = resources.displayMetrics.widthPixels / columns
        layoutParams = ViewGroup.LayoutParams(side, side)
        setImageBitmap(image)
    }

    private fun label(words: String) = TextView(this).apply { text = words }

    private fun button(words: String, action: () -> Unit) = Button(this).apply {
        text = words
        setOnClickListener { _: View -> action() }
    }
}
