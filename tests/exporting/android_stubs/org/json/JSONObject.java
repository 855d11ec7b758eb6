package org.json;

import java.util.Iterator;

public class JSONObject {
    public JSONObject(String json) {}

    public boolean has(String name) {
        return false;
    }

    public int getInt(String name) {
        return 0;
    }

    public double getDouble(String name) {
        return 0.0;
    }

    public double optDouble(String name, double fallback) {
        return 0.0;
    }

    public String getString(String name) {
        return null;
    }

    public JSONObject getJSONObject(String name) {
        return null;
    }

    public JSONArray getJSONArray(String name) {
        return null;
    }

    public JSONArray optJSONArray(String name) {
        return null;
    }

    public Iterator<String> keys() {
        return null;
    }
}
