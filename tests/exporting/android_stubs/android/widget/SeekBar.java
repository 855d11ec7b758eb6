package android.widget;

import android.content.Context;
import android.view.View;

public class SeekBar extends View {
    public interface OnSeekBarChangeListener {
        void onProgressChanged(SeekBar seekBar, int progress, boolean fromUser);

        void onStartTrackingTouch(SeekBar seekBar);

        void onStopTrackingTouch(SeekBar seekBar);
    }

    public SeekBar(Context context) {
        super(context);
    }

    public void setOnSeekBarChangeListener(OnSeekBarChangeListener listener) {}

    public void setMax(int max) {}

    public int getMax() {
        return 0;
    }

    public void setProgress(int progress) {}

    public int getProgress() {
        return 0;
    }
}
