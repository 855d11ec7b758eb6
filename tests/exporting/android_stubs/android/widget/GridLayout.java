package android.widget;

import android.content.Context;
import android.view.ViewGroup;

public class GridLayout extends ViewGroup {
    public GridLayout(Context context) {
        super(context);
    }

    public void setColumnCount(int columnCount) {}

    public int getColumnCount() {
        return 0;
    }
}
