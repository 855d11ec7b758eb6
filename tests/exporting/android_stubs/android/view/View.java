package android.view;

import android.content.Context;
import android.content.res.Resources;

public class View {
    public interface OnClickListener {
        void onClick(View view);
    }

    public View(Context context) {}

    public final Resources getResources() {
        return null;
    }

    public void setOnClickListener(OnClickListener listener) {}

    public void setContentDescription(CharSequence contentDescription) {}

    public CharSequence getContentDescription() {
        return null;
    }

    public void setLayoutParams(ViewGroup.LayoutParams params) {}

    public ViewGroup.LayoutParams getLayoutParams() {
        return null;
    }

    public void setFitsSystemWindows(boolean fitSystemWindows) {}

    public boolean getFitsSystemWindows() {
        return false;
    }
}
