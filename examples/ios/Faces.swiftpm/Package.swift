// swift-tools-version: 5.9
import AppleProductTypes
import PackageDescription

let package = Package(
    name: "Faces",
    platforms: [.iOS("16.0")],
    products: [
        .iOSApplication(
            name: "Faces",
            targets: ["AppModule"],
            bundleIdentifier: "com.example.faces",
            teamIdentifier: "",
            displayVersion: "1.0",
            bundleVersion: "1",
            appIcon: .placeholder(icon: .heart),
            accentColor: .presetColor(.blue),
            supportedDeviceFamilies: [.pad, .phone],
            supportedInterfaceOrientations: [.portrait, .landscapeLeft, .landscapeRight]
        )
    ],
    dependencies: [
        .package(url: "https://github.com/google-ai-edge/LiteRT", branch: "release/2.3.0")
    ],
    targets: [
        .executableTarget(
            name: "AppModule",
            dependencies: [.product(name: "TensorFlowLite", package: "LiteRT")],
            path: ".",
            resources: [.process("Resources")]
        )
    ]
)
