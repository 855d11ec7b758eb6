package android.graphics;

public class Matrix {
    public void setValues(float[] values) {}

    public boolean invert(Matrix inverse) {
        return false;
    }
}
