// The declarations of LiteRT 2.3 for Kotlin that the guide's code may use, without their work: for the compiler only.
// After litert/kotlin/src/main/kotlin/com/google/ai/edge/litert in github.com/google-ai-edge/LiteRT.
package com.google.ai.edge.litert

import android.content.Context
import android.content.res.AssetManager

enum class Accelerator { NONE, CPU, GPU, NPU }

class LiteRtException : Exception()

abstract class JniHandle internal constructor() : AutoCloseable {
    final override fun close(): Unit = TODO()
}

class Environment private constructor() : JniHandle() {
    fun getAvailableAccelerators(): Set<Accelerator> = TODO()

    enum class Option { CompilerPluginLibraryDir, DispatchLibraryDir }

    companion object {
        fun create(context: Context, options: Map<Option, String> = mapOf(), enableCompilerCache: Boolean = true): Environment =
            TODO("$context $options $enableCompilerCache")

        fun create(options: Map<Option, String> = mapOf()): Environment = TODO("$options")
    }
}

class TensorBuffer internal constructor() : JniHandle() {
    fun writeInt(data: IntArray): Unit = TODO("$data")
    fun writeFloat(data: FloatArray): Unit = TODO("$data")
    fun writeInt8(data: ByteArray): Unit = TODO("$data")
    fun readInt(): IntArray = TODO()
    fun readFloat(): FloatArray = TODO()
    fun readInt8(): ByteArray = TODO()
}

class Model private constructor() : JniHandle() {
    companion object {
        fun load(assetManager: AssetManager, assetName: String): Model = TODO("$assetManager $assetName")
        fun load(filePath: String): Model = TODO(filePath)
    }
}

class CompiledModel private constructor() : JniHandle() {
    data class CpuOptions(
        val numThreads: Int? = null,
        val xnnPackFlags: Int? = null,
        val xnnPackWeightCachePath: String? = null
    )

    class Options(internal val accelerators: Set<Accelerator>) {
        constructor(vararg accelerators: Accelerator) : this(setOf(*accelerators))

        var cpuOptions: CpuOptions? = null
    }

    fun createInputBuffer(inputName: String, signature: String? = null): TensorBuffer = TODO("$inputName $signature")
    fun createOutputBuffer(outputName: String, signature: String? = null): TensorBuffer = TODO("$outputName $signature")
    fun createInputBuffers(signatureIndex: Int = 0): List<TensorBuffer> = TODO("$signatureIndex")
    fun createInputBuffers(signature: String): List<TensorBuffer> = TODO(signature)
    fun createOutputBuffers(signatureIndex: Int = 0): List<TensorBuffer> = TODO("$signatureIndex")
    fun createOutputBuffers(signature: String): List<TensorBuffer> = TODO(signature)
    fun run(inputs: List<TensorBuffer>, outputs: List<TensorBuffer>, signatureIndex: Int = 0): Unit =
        TODO("$inputs $outputs $signatureIndex")
    fun run(inputs: List<TensorBuffer>, signature: String): List<TensorBuffer> = TODO("$inputs $signature")
    fun run(inputs: List<TensorBuffer>, outputs: List<TensorBuffer>, signature: String): Unit =
        TODO("$inputs $outputs $signature")
    fun run(inputs: Map<String, TensorBuffer>, outputs: Map<String, TensorBuffer>, signature: String? = null): Unit =
        TODO("$inputs $outputs $signature")

    companion object {
        fun create(
            assetManager: AssetManager,
            assetName: String,
            options: Options = Options(Accelerator.CPU),
            optionalEnv: Environment? = null
        ): CompiledModel = TODO("$assetManager $assetName $options $optionalEnv")

        fun create(
            filePath: String,
            options: Options = Options(Accelerator.CPU),
            optionalEnv: Environment? = null
        ): CompiledModel = TODO("$filePath $options $optionalEnv")
    }
}
