import CoreGraphics
import Foundation
import TensorFlowLite

// The least probability of a face in the first look, which may be unsure, as the second decides; and in the second.
let candidateScore: CGFloat = 0.2
let leastScore: CGFloat = 0.5
let closeUp: CGFloat = 2.6  // the side of the second look, in widths of the face's box
let sure: CGFloat = 0.65  // of a face that is seen in a part of the photograph only
// Of the face's width: where the eyes lie so far from where they were thought, a third look is taken.
let farOff: CGFloat = 0.1
let part: CGFloat = 0.75  // of the longer side: the squares that are looked at where no face is seen in the whole

/// A detector's file, the side of the picture that it takes, and its anchors: cells on a side, and anchors in each.
enum Detector: String, CaseIterable {
    case whole = "face_detection_full_range"
    case close = "face_detection_short_range"

    var side: Int { self == .whole ? 192 : 128 }
    var grids: [(cells: Int, count: Int)] { self == .whole ? [(48, 1)] : [(16, 2), (8, 6)] }
}

/// A face: the centre of its box, the box's size, then the left eye, the right eye, the nose, the mouth, the left ear and
/// the right ear; left and right are those of the picture, whose y goes down.
struct Detection: Sendable {
    var centre: CGPoint
    var width: CGFloat
    var height: CGFloat
    var points: [CGPoint]
    var score: CGFloat
}

/// A square cut out of a photograph: a step to the right in it is (a, b) there, and its top left corner (x, y).
struct Square {
    let a, b, x, y: CGFloat
    let side: Int

    static func whole(width: Int, height: Int, side: Int) -> Square {
        let scale = CGFloat(max(width, height)) / CGFloat(side)
        let across = scale * CGFloat(side)
        return Square(a: scale, b: 0, x: (CGFloat(width) - across) / 2, y: (CGFloat(height) - across) / 2, side: side)
    }

    /// Overlapping squares that cover a photograph: two along each side that is longer than they are.
    static func overlapping(width: Int, height: Int, side: Int) -> [Square] {
        let across = part * CGFloat(max(width, height))
        func along(_ length: CGFloat) -> [CGFloat] {
            length <= across ? [(length - across) / 2] : [0, length - across]
        }
        return along(CGFloat(height)).flatMap { y in
            along(CGFloat(width)).map { x in Square(a: across / CGFloat(side), b: 0, x: x, y: y, side: side) }
        }
    }

    /// The square around a face, `times` as wide as its box, and turned so that the eyes are level.
    static func around(_ face: Detection, times: CGFloat, side: Int) -> Square {
        let (dx, dy) = (face.points[1].x - face.points[0].x, face.points[1].y - face.points[0].y)
        let step = times * face.width / CGFloat(side) / max(hypot(dx, dy), 1e-6)
        let (a, b, half) = (step * dx, step * dy, CGFloat(side) / 2)
        return Square(a: a, b: b, x: face.centre.x - (a - b) * half, y: face.centre.y - (b + a) * half, side: side)
    }

    /// The square in which the eyes of a face come to lie at two places, in fractions of its side.
    static func aligning(_ face: Detection, eyes: [CGPoint], side: Int) -> Square {
        let ends = eyes.map { CGPoint(x: $0.x * CGFloat(side), y: $0.y * CGFloat(side)) }
        let (u, v) = (ends[1].x - ends[0].x, ends[1].y - ends[0].y)
        let (dx, dy) = (face.points[1].x - face.points[0].x, face.points[1].y - face.points[0].y)
        let length = u * u + v * v
        let (a, b) = ((dx * u + dy * v) / length, (dy * u - dx * v) / length)
        return Square(
            a: a, b: b, x: face.points[0].x - a * ends[0].x + b * ends[0].y,
            y: face.points[0].y - b * ends[0].x - a * ends[0].y, side: side)
    }

    func place(_ point: CGPoint) -> CGPoint {
        CGPoint(x: a * point.x - b * point.y + x, y: b * point.x + a * point.y + y)
    }

    func toPhotograph(_ face: Detection) -> Detection {
        Detection(
            centre: place(face.centre), width: face.width * hypot(a, b), height: face.height * hypot(a, b),
            points: face.points.map(place), score: face.score)
    }

    /// The pixels, RGBA from the top left; beyond the photograph they are black.
    func cut(_ photograph: CGImage) throws -> (image: CGImage, rgba: Data) {
        guard let context = CGContext(
            data: nil, width: side, height: side, bitsPerComponent: 8, bytesPerRow: 4 * side,
            space: CGColorSpaceCreateDeviceRGB(), bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
        else { throw FaceModelError.noImage }
        context.interpolationQuality = .high
        // Core Graphics counts y from below: the square and the photograph are turned over, and turned back.
        context.translateBy(x: 0, y: CGFloat(side))
        context.scaleBy(x: 1, y: -1)
        context.concatenate(CGAffineTransform(a: a, b: b, c: -b, d: a, tx: x, ty: y).inverted())
        context.translateBy(x: 0, y: CGFloat(photograph.height))
        context.scaleBy(x: 1, y: -1)
        context.draw(photograph, in: CGRect(x: 0, y: 0, width: photograph.width, height: photograph.height))
        guard let image = context.makeImage(), let pixels = context.data else { throw FaceModelError.noImage }
        return (image, Data(bytes: pixels, count: 4 * side * side))
    }
}

/// Finds faces in a photograph, first in the whole of it, then closer. An actor: it works on a background thread.
actor FaceFinder {
    private var interpreters: [Detector: Interpreter] = [:]

    init() throws {
        for detector in Detector.allCases {
            let interpreter = try FaceModel.load(detector.rawValue)
            try interpreter.allocateTensors()
            interpreters[detector] = interpreter
        }
    }

    /// The faces, the largest first; small ones where there is no larger one.
    func find(in photograph: CGImage) throws -> [Detection] {
        let (width, height) = (photograph.width, photograph.height)
        var faces = try closely(
            photograph, Detector.allCases.map { ($0, Square.whole(width: width, height: height, side: $0.side)) })
        if faces.isEmpty {
            let parts = Square.overlapping(width: width, height: height, side: Detector.whole.side)
            faces = try closely(photograph, parts.map { (Detector.whole, $0) }).filter { $0.score >= sure }
        }
        return faces.sorted { $0.width > $1.width }
    }

    /// What is seen in some squares and is a face at a closer look, and at another where the first look was far off.
    private func closely(_ photograph: CGImage, _ looks: [(Detector, Square)]) throws -> [Detection] {
        var seen: [Detection] = []
        for (detector, square) in looks {
            seen += try look(detector, square.cut(photograph).rgba, candidateScore).map { square.toPhotograph($0) }
        }
        var faces: [Detection] = []
        for candidate in averaged(seen).prefix(64) {
            guard var face = try closer(photograph, candidate) else { continue }
            if isFarOff(face, candidate) { face = try closer(photograph, face) ?? face }
            let known = faces.contains { other in
                hypot(other.centre.x - face.centre.x, other.centre.y - face.centre.y)
                    < max(other.width, face.width) / 4
            }
            if !known { faces.append(face) }
        }
        return faces
    }

    /// The image for `FaceModel.encode`: `eyes` are where the detector sees them in the training images.
    func align(_ photograph: CGImage, _ face: Detection, eyes: [CGPoint], size: Int) throws -> CGImage {
        try Square.aligning(face, eyes: eyes, side: size).cut(photograph).image
    }

    /// A second look, at a face turned upright: only then do its eyes lie within a pixel or two.
    private func closer(_ photograph: CGImage, _ face: Detection) throws -> Detection? {
        let square = Square.around(face, times: closeUp, side: Detector.close.side)
        let picture = try square.cut(photograph).rgba
        guard var mean = inTheMiddle(try look(.close, picture, leastScore), square.side) else { return nil }
        if let other = inTheMiddle(try look(.close, picture, leastScore, mirrored: true), square.side) {
            let back = mirrored(other, square.side)
            mean = weighted([mean, back], [0.5, 0.5], score: mean.score)
        }
        return square.toPhotograph(mean)
    }

    private func look(
        _ detector: Detector, _ rgba: Data, _ least: CGFloat, mirrored: Bool = false
    ) throws -> [Detection] {
        guard let interpreter = interpreters[detector] else { return [] }
        let side = detector.side
        var input = [Float](repeating: 0, count: 3 * side * side)
        for row in 0..<side {
            for column in 0..<side {
                let from = row * side + (mirrored ? side - 1 - column : column)
                for colour in 0..<3 {
                    input[3 * (row * side + column) + colour] = Float(rgba[4 * from + colour]) / 127.5 - 1
                }
            }
        }
        try interpreter.copy(input.withUnsafeBufferPointer { Data(buffer: $0) }, toInputAt: 0)
        try interpreter.invoke()
        let outputs = try (0..<2)
            .map { try interpreter.output(at: $0).data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } }
            .sorted { $0.count < $1.count }
        return averaged(decoded(detector, boxes: outputs[1], logits: outputs[0], least))
    }
}

/// The latent of the largest face in an upright photograph; nil where there is none.
func latent(of photograph: CGImage, _ finder: FaceFinder, _ model: FaceModel) async throws -> [Float]? {
    guard let eyes = model.card.seenEyes, let face = try await finder.find(in: photograph).first else { return nil }
    let places = eyes.map { CGPoint(x: $0[0], y: $0[1]) }
    return try await model.encode(finder.align(photograph, face, eyes: places, size: model.card.imageSize))
}

/// The network's numbers as faces in pixels of its picture.
func decoded(_ detector: Detector, boxes: [Float], logits: [Float], _ least: CGFloat) -> [Detection] {
    var faces: [Detection] = []
    var anchor = 0
    for grid in detector.grids {
        for cell in 0..<grid.cells * grid.cells {
            let side = CGFloat(detector.side) / CGFloat(grid.cells)
            let x = (CGFloat(cell % grid.cells) + 0.5) * side
            let y = (CGFloat(cell / grid.cells) + 0.5) * side
            for _ in 0..<grid.count {
                let score = 1 / (1 + exp(-CGFloat(logits[anchor])))
                if score >= least {
                    let numbers = boxes[16 * anchor..<16 * (anchor + 1)].map { CGFloat($0) }
                    let points = (2..<8).map { CGPoint(x: numbers[2 * $0] + x, y: numbers[2 * $0 + 1] + y) }
                    faces.append(
                        Detection(
                            centre: CGPoint(x: numbers[0] + x, y: numbers[1] + y), width: numbers[2],
                            height: numbers[3], points: points, score: score))
                }
                anchor += 1
            }
        }
    }
    return faces
}

/// Whether the eyes of a face lie elsewhere than they were thought to.
func isFarOff(_ face: Detection, _ thought: Detection) -> Bool {
    zip(face.points, thought.points).prefix(2).contains { now, before in
        hypot(now.x - before.x, now.y - before.y) > farOff * face.width
    }
}

/// One face for each group of boxes that overlap with its surest one: their mean, weighted by the scores.
func averaged(_ found: [Detection]) -> [Detection] {
    var faces: [Detection] = []
    var left = found.sorted { $0.score > $1.score }
    while !left.isEmpty {
        let best = left.removeFirst()
        let same = [best] + left.filter { overlap(best, $0) > 0.3 }
        left = left.filter { overlap(best, $0) <= 0.3 }
        faces.append(weighted(same, same.map(\.score), score: best.score))
    }
    return faces
}

private func weighted(_ faces: [Detection], _ weights: [CGFloat], score: CGFloat) -> Detection {
    let total = weights.reduce(0, +)
    func mean(_ number: (Detection) -> CGFloat) -> CGFloat {
        zip(faces, weights).reduce(0) { $0 + $1.1 * number($1.0) } / total
    }
    return Detection(
        centre: CGPoint(x: mean { $0.centre.x }, y: mean { $0.centre.y }), width: mean { $0.width },
        height: mean { $0.height },
        points: (0..<6).map { i in CGPoint(x: mean { $0.points[i].x }, y: mean { $0.points[i].y }) }, score: score)
}

/// Intersection over union of two boxes.
func overlap(_ one: Detection, _ other: Detection) -> CGFloat {
    func common(_ u: CGFloat, _ width: CGFloat, _ v: CGFloat, _ otherWidth: CGFloat) -> CGFloat {
        max(0, min(u + width / 2, v + otherWidth / 2) - max(u - width / 2, v - otherWidth / 2))
    }
    let width = common(one.centre.x, one.width, other.centre.x, other.width)
    let both = width * common(one.centre.y, one.height, other.centre.y, other.height)
    return both / max(one.width * one.height + other.width * other.height - both, 1e-9)
}

/// Of the faces in a close-up, the one in its middle; nil where all are neighbours of the one that was sought.
func inTheMiddle(_ seen: [Detection], _ side: Int) -> Detection? {
    let middle = CGFloat(side) / 2
    func away(_ face: Detection) -> CGFloat { max(abs(face.centre.x - middle), abs(face.centre.y - middle)) }
    return seen.min { away($0) < away($1) }.flatMap { away($0) > middle / 2 ? nil : $0 }
}

/// A face of a mirrored view, in the view.
func mirrored(_ face: Detection, _ side: Int) -> Detection {
    func turned(_ point: CGPoint) -> CGPoint { CGPoint(x: CGFloat(side) - point.x, y: point.y) }
    var back = face
    back.centre = turned(face.centre)
    // The left eye is the right one, and so the ears.
    back.points = [1, 0, 2, 3, 5, 4].map { turned(face.points[$0]) }
    return back
}
