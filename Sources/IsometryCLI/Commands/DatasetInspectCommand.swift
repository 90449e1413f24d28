import ArgumentParser
import IsometryData
import IsometryFiles

struct InspectDatasetCommand: EnvironmentCommand, ProgressCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Count images and duplicates, measure the pixels, and draw a contact sheet.",
    discussion: """
      Example:
        isometry dataset inspect --data ~/cifar --sheet sheet.png

      A duplicate is an image with the same bytes as another one. Test images that are training \
      images too make the test accuracy too high.
      """)

  private static let sheetColumns = 10

  @OptionGroup var data: DataArguments

  @Option(
    help: ArgumentHelp(
      "Write the first training images of each class as a picture, a row for each class.",
      valueName: "file.png"))
  var sheet: String?

  @OptionGroup var form: OutputArguments
  @OptionGroup var progress: ProgressArguments

  func validate() throws { try checkPath(sheet, "--sheet") }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(form, progress)
    let source = try data.resolve(environment)
    console.note("data   \(source.explanation.inProgramTerms)")
    console.showStatus("reading images")
    let (train, test) = (try source.load(.train), try source.load(.test))
    console.say("images \(train.format)")
    for dataset in [train, test] {
      console.showStatus("measuring \(dataset.split.rawValue) images")
      report(dataset, console)
    }
    console.showStatus("comparing images")
    let inside = train.duplicates()
    let across = test.duplicates(of: train)
    let most = 5
    for (name, pairs, places) in [
      ("training images are copies of earlier ones", inside, ("train", "train")),
      ("test images are copies of training images", across, ("test", "train")),
    ] {
      let some = pairs.prefix(most).map { "\(places.0) \($0.image) = \(places.1) \($0.original)" }
      console.say(
        "\(Wording.count(pairs.count)) \(name)"
          + (pairs.isEmpty ? "" : ": " + some.joined(separator: ", "))
          + (pairs.count > most ? ", …" : ""))
    }
    func pairs(_ found: [(image: Int, original: Int)]) -> JSONValue {
      .array(found.map { .array([.integer($0.image), .integer($0.original)]) })
    }
    console.emit(["duplicates_in_train": pairs(inside), "test_in_train": pairs(across)])
    if let sheet {
      let rows = train.firstImages(ofEachClass: Self.sheetColumns)
      try WholeFile.write([train.contactSheet(rows, gap: 2).file], to: sheet)
      console.say("wrote \(sheet)")
    }
  }

  private func report(_ dataset: ImageDataset, _ console: Console) {
    let statistics = ChannelStatistics(of: dataset)
    let counts = dataset.imagesOfClasses
    func list(_ numbers: [Double]) -> String {
      numbers.map { Wording.number(($0 * 1e4).rounded() / 1e4) }.joined(separator: ", ")
    }
    let classes = zip(dataset.classNames, counts).map { "\($0) \(Wording.count($1))" }
    console.say(
      "\(dataset.split.rawValue): \(Wording.count(dataset.count)) images; "
        + classes.joined(separator: ", "))
    console.say(
      "\(dataset.split.rawValue): mean \(list(statistics.mean)), standard deviation "
        + "\(list(statistics.standardDeviation)) of red, green and blue")
    let sizes = zip(dataset.classNames, counts).map { name, count -> JSONValue in
      ["name": .text(name), "images": .integer(count)]
    }
    console.emit([
      "split": .text(dataset.split.rawValue), "images": .integer(dataset.count),
      "height": .integer(dataset.format.height), "width": .integer(dataset.format.width),
      "mean": .array(statistics.mean.map { .number($0) }),
      "standard_deviation": .array(statistics.standardDeviation.map { .number($0) }),
      "classes": .array(sizes),
    ])
  }
}

struct ConvertCommand: ProgressCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Convert a folder of image files to the binary format, in another directory.",
    discussion: """
      Example:
        isometry dataset convert /shared/pictures ~/pictures

      Training on a folder of image files converts it in that folder. This command is for a folder \
      that cannot be written. Name the other directory with --data then.
      """)

  @Argument(help: "The folder with a folder of PNG or JPEG files for each class.")
  var folder: String

  @Argument(help: "The directory for the converted set.")
  var directory: String

  @OptionGroup var form: OutputArguments
  @OptionGroup var progress: ProgressArguments

  func validate() throws {
    try checkPath(folder, "the folder")
    try checkPath(directory, "the directory")
  }

  func run() throws {
    let console = Console(form, progress)
    let work = WorkProgress("reading images", unit: "images")
    let converted = try DatasetSource.convert(folder, to: directory) { done, all in
      console.showStatus(work.line(done, of: all))
    }
    console.say("the converted images are in \(converted); name \(directory) with --data")
    console.emit(["folder": .text(converted)])
  }
}
