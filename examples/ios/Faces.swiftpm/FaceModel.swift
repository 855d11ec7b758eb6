import CoreGraphics
import Foundation
import TensorFlowLite

/// What an app needs of `model_card.json`.
struct ModelCard: Decodable {
    struct Attribute: Decodable {
        let name: String
        let minimum: Float
        let maximum: Float
    }

    struct Sampling: Decodable {
        let noise: Int
        let temperature: Double?
    }

    struct Signature: Decodable {}

    let imageSize: Int
    let latentDim: Int
    let attributes: [Attribute]
    let sampling: Sampling
    let signatures: [String: Signature]
    /// Where `FaceFinder` sees the eyes in the training images, as fractions of the side; nil where unknown.
    let seenEyes: [[Double]]?
}

/// A face and the latent that it was decoded from, for edits.
struct Face: Identifiable, @unchecked Sendable {
    let id = UUID()
    let latent: [Float]
    let image: CGImage
}

enum FaceModelError: Error {
    case missingFile(String)
    case noImage
}

/// The exported model. An actor: its work happens on a background thread, one call at a time.
actor FaceModel {
    nonisolated let card: ModelCard
    private var interpreters: [String: Interpreter] = [:]
    private var runners: [String: SignatureRunner] = [:]

    /// Reads the files, which takes a while: call it in a detached task.
    init() throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        card = try decoder.decode(ModelCard.self, from: Data(contentsOf: Self.file("model_card", "json")))
        interpreters["decoder"] = try Self.load("decoder")
    }

    /// A new face. A lower temperature draws more typical ones; nil is the model's best where it was measured.
    func newFace(temperature: Double? = nil) throws -> Face {
        let factor = Float(temperature ?? card.sampling.temperature ?? 0.7)
        // The last number of a density's noise chooses its component, and has no temperature.
        let noise = (0..<card.sampling.noise).map { gaussian() * ($0 < card.latentDim ? factor : 1) }
        guard card.signatures["sample"] != nil else {  // a model without a fitted density
            return Face(latent: noise, image: try decode(noise))
        }
        let drawn = try run("sample", ["noise": bytes(noise)])
        let latent = floats(try drawn.output(named: "latent").data)
        return Face(latent: latent, image: try image(rgb: floats(try drawn.output(named: "image").data)))
    }

    /// Nine new faces: a call makes one, so that this makes nine calls.
    func sheet() throws -> [Face] {
        try (0..<9).map { _ in try newFace() }
    }

    /// The image of a latent.
    func decode(_ latent: [Float]) throws -> CGImage {
        try image(rgba: run("decode_uint8", ["latent": bytes(latent)]).output(named: "image").data)
    }

    /// The image of a latent whose attributes are moved: one strength each, 0 changes nothing.
    func edit(_ latent: [Float], _ strengths: [Float]) throws -> CGImage {
        let edited = try run("edit", ["latent": bytes(latent), "strengths": bytes(strengths)])
        return try image(rgb: floats(edited.output(named: "image").data))
    }

    /// The latent of an aligned face.
    func encode(_ face: CGImage) throws -> [Float] {
        let size = card.imageSize
        var rgba = Data(count: 4 * size * size)
        let drawn = rgba.withUnsafeMutableBytes { pixels -> Bool in
            guard let context = CGContext(
                data: pixels.baseAddress, width: size, height: size, bitsPerComponent: 8, bytesPerRow: 4 * size,
                space: CGColorSpaceCreateDeviceRGB(), bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
            else { return false }
            context.interpolationQuality = .high
            context.draw(face, in: CGRect(x: 0, y: 0, width: size, height: size))
            return true
        }
        guard drawn else { throw FaceModelError.noImage }
        return floats(try run("encode_uint8", ["image": rgba]).output(named: "mean").data)
    }

    private func run(_ signature: String, _ inputs: [String: Data]) throws -> SignatureRunner {
        let runner = try runners[signature] ?? makeRunner(signature)
        runners[signature] = runner
        try runner.invoke(with: inputs)
        return runner
    }

    private func makeRunner(_ signature: String) throws -> SignatureRunner {
        let name = signature.hasPrefix("encode") ? "encoder" : "decoder"
        let interpreter = try interpreters[name] ?? Self.load(name)
        interpreters[name] = interpreter
        return try interpreter.signatureRunner(with: signature)
    }

    static func load(_ name: String) throws -> Interpreter {
        var options = Interpreter.Options()
        options.threadCount = 1
        return try Interpreter(modelPath: file(name, "tflite").path, options: options)
    }

    /// In the app itself, or in the bundle that Swift Package Manager makes of a package's resources.
    private static func file(_ name: String, _ kind: String) throws -> URL {
        let inner = Bundle.main.urls(forResourcesWithExtension: "bundle", subdirectory: nil) ?? []
        let bundles = [Bundle.main] + inner.compactMap { Bundle(url: $0) }
        for bundle in bundles {
            if let url = bundle.url(forResource: name, withExtension: kind) { return url }
        }
        throw FaceModelError.missingFile("\(name).\(kind)")
    }

    private func image(rgb: [Float]) throws -> CGImage {
        var rgba = Data(capacity: rgb.count / 3 * 4)
        for pixel in stride(from: 0, to: rgb.count, by: 3) {
            for value in rgb[pixel..<pixel + 3] { rgba.append(UInt8(value * 255 + 0.5)) }
            rgba.append(255)
        }
        return try image(rgba: rgba)
    }

    private func image(rgba: Data) throws -> CGImage {
        let size = card.imageSize
        guard let provider = CGDataProvider(data: rgba as CFData),
            let image = CGImage(
                width: size, height: size, bitsPerComponent: 8, bitsPerPixel: 32, bytesPerRow: 4 * size,
                space: CGColorSpaceCreateDeviceRGB(),
                bitmapInfo: CGBitmapInfo(rawValue: CGImageAlphaInfo.noneSkipLast.rawValue),
                provider: provider, decode: nil, shouldInterpolate: true, intent: .defaultIntent)
        else { throw FaceModelError.noImage }
        return image
    }

    private func bytes(_ values: [Float]) -> Data {
        values.withUnsafeBufferPointer { Data(buffer: $0) }
    }

    private func floats(_ data: Data) -> [Float] {
        data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }

    /// A number of N(0, 1), by the method of Box and Muller.
    private func gaussian() -> Float {
        let radius = (-2 * log(1 - Double.random(in: 0..<1))).squareRoot()
        return Float(radius * cos(2 * Double.pi * Double.random(in: 0..<1)))
    }
}
