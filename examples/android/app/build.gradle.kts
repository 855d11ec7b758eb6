plugins { id("com.android.application") version "9.0.0" } // compiles Kotlin, too

android {
    namespace = "com.example.faces"
    compileSdk = 36
    defaultConfig {
        applicationId = "com.example.faces"
        minSdk = 24
        targetSdk = 36
        versionCode = 1
        versionName = "1.0"
    }
}

dependencies { implementation("com.google.ai.edge.litert:litert:2.3.2") }
