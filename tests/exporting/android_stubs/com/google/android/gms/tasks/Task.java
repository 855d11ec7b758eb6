package com.google.android.gms.tasks;

import java.util.concurrent.Executor;

public abstract class Task<T> {
    public abstract Task<T> addOnSuccessListener(Executor executor, OnSuccessListener<? super T> listener);
}
