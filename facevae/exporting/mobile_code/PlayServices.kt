package com.example.faces

import android.content.Context
import com.google.ai.edge.litert.Environment
import com.google.android.gms.litert.LiteRt
import com.google.android.gms.tasks.OnSuccessListener
import java.util.concurrent.Executor

/** Loads the model for the runtime of Google Play services; `ready` gets it on the worker's thread. */
fun loadWithPlayServices(context: Context, worker: Executor, ready: (FaceModel) -> Unit) {
    val load = OnSuccessListener<Environment> { environment -> ready(FaceModel(context, environment = environment)) }
    LiteRt.initialize(context).addOnSuccessListener(worker, load)
}
