package com.google.android.gms.litert;

import android.content.Context;
import com.google.ai.edge.litert.Environment;
import com.google.android.gms.tasks.Task;

public final class LiteRt {
    public static Task<Environment> initialize(Context context) {
        return null;
    }
}
