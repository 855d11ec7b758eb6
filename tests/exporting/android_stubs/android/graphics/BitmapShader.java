package android.graphics;

public class BitmapShader extends Shader {
    public BitmapShader(Bitmap bitmap, Shader.TileMode tileX, Shader.TileMode tileY) {}
}
