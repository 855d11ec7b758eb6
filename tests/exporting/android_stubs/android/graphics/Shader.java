package android.graphics;

public class Shader {
    public enum TileMode {
        CLAMP
    }

    public void setLocalMatrix(Matrix localM) {}
}
