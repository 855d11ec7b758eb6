import SwiftUI

@main
struct FacesApp: App {
    var body: some Scene {
        WindowGroup { ContentView() }
    }
}

/// The attributes that get a slider, where the model has them; others take the place of those that it has not.
private let shown = ["Smiling", "Eyeglasses", "Blond_Hair"]

/// Nine faces, and the chosen one as the sliders say.
@MainActor
final class FaceSheet: ObservableObject {
    @Published private(set) var faces: [Face] = []
    @Published private(set) var edited: CGImage?
    @Published private(set) var attributes: [ModelCard.Attribute] = []
    /// Which of the attributes have a slider.
    @Published private(set) var sliders: [Int] = []
    @Published private(set) var strengths: [Float] = []
    @Published private(set) var message: String?
    private var model: FaceModel?
    private var chosen: Face?
    private var drawing: Task<Void, Never>?

    func load() async {
        guard model == nil else { return }
        await explainingErrors {
            let loaded = try await Task.detached { try FaceModel() }.value
            let attributes = loaded.card.attributes
            let first = shown.compactMap { name in attributes.firstIndex { $0.name == name } }
            let others = attributes.indices.filter { !first.contains($0) }
            self.strengths = [Float](repeating: 0, count: attributes.count)
            self.attributes = attributes
            self.sliders = Array((first + others).prefix(3))
            self.model = loaded
        }
        await draw()
    }

    /// Shows nine other faces.
    func draw() async {
        guard let model else { return }
        await explainingErrors {
            self.faces = try await model.sheet()
            self.choose(self.faces[0])
        }
    }

    func choose(_ face: Face) {
        drawing?.cancel()
        chosen = face
        edited = face.image
        strengths = [Float](repeating: 0, count: strengths.count)
    }

    /// Moves a slider; of several moves only the last one is shown.
    func move(_ attribute: Int, to strength: Float) {
        strengths[attribute] = strength
        guard let model, let chosen else { return }
        drawing?.cancel()
        let wanted = strengths
        drawing = Task {
            await explainingErrors {
                guard !Task.isCancelled else { return }
                let image = try await model.edit(chosen.latent, wanted)
                if !Task.isCancelled { self.edited = image }
            }
        }
    }

    private func explainingErrors(_ work: () async throws -> Void) async {
        do { try await work() } catch { message = "\(error)" }
    }
}

struct ContentView: View {
    @StateObject private var sheet = FaceSheet()

    var body: some View {
        ScrollView {
            if let message = sheet.message { Text(message) }
            LazyVGrid(columns: Array(repeating: GridItem(spacing: 2), count: 3), spacing: 2) {
                ForEach(Array(sheet.faces.enumerated()), id: \.element.id) { index, face in
                    Button { sheet.choose(face) } label: { picture(face.image) }
                        .accessibilityLabel("Face \(index + 1)")
                }
            }
            Button("More") { Task { await sheet.draw() } }.padding()
            if let edited = sheet.edited { picture(edited).frame(maxWidth: 240) }
            ForEach(sheet.sliders, id: \.self) { slider($0) }
        }
        .padding()
        .task { await sheet.load() }
    }

    private func slider(_ index: Int) -> some View {
        let attribute = sheet.attributes[index]
        let strength = Binding(
            get: { sheet.strengths[index] },
            set: { sheet.move(index, to: $0) })
        return VStack(alignment: .leading) {
            Text(attribute.name.replacingOccurrences(of: "_", with: " "))
            Slider(value: strength, in: attribute.minimum...attribute.maximum)
                .accessibilityLabel(attribute.name)
        }
    }

    private func picture(_ image: CGImage) -> some View {
        Image(decorative: image, scale: 1)
            .interpolation(.high)
            .resizable()
            .aspectRatio(1, contentMode: .fit)
    }
}
