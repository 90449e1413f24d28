import ArgumentParser
import IsometryData
import IsometryFiles
import IsometryTraining

struct DatasetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dataset", abstract: "Download, check or generate training images.",
    discussion: """
      Example:
        isometry dataset fetch
      """,
    subcommands: [
      FetchCommand.self, InfoCommand.self, InspectDatasetCommand.self, ConvertCommand.self,
      WriteSyntheticCommand.self,
    ])

  struct FetchCommand: ProgressCommand {
    static let configuration = CommandConfiguration(
      commandName: "fetch", abstract: "Download CIFAR-10 or CIFAR-100 and check it.",
      discussion: """
        Examples:
          isometry dataset fetch
          isometry dataset fetch --set cifar-100 --mirror https://example.org/datasets

        Downloads \(DatasetDownload.Collection.cifar10.officialURL) (170 MB), verifies its checksum \
        and unpacks it to \(CIFAR10.folderName) in the directory. The same command continues a \
        download that ended early. If another step fails, nothing is left behind.
        """)

    @Argument(help: "The directory for the folder of the data set.")
    var directory = DatasetSource.defaultDirectory

    @Option(help: "The data set.")
    var set = DatasetDownload.Collection.cifar10

    @Option(
      help: ArgumentHelp(
        """
        The address of the archive at another place, or of a folder that holds it. Its checksum is \
        that of the official one.
        """, valueName: "url"))
    var mirror: String?

    @OptionGroup var form: OutputArguments
    @OptionGroup var progress: ProgressArguments

    func validate() throws {
      try checkPath(directory, "the directory")
      try checkPath(mirror, "--mirror")
    }

    func run() throws {
      let console = Console(form, progress)
      let stop = InterruptHandler.install()
      let name = set == .cifar10 ? "CIFAR-10" : "CIFAR-100"
      var work: WorkProgress?
      let outcome = try DatasetDownload(set, mirror: mirror).fetch(to: directory) { byteCount in
        if let signal = stop.requestingSignal { throw ExitCode(128 + signal) }
        let begun =
          work
          ?? WorkProgress(
            "downloading", unit: "", from: byteCount, amount: Wording.bytes)
        work = begun
        console.showStatus(begun.line(byteCount, of: set.officialByteCount))
      }
      switch outcome {
      case .fetched(let folder):
        console.say("\(name) is in \(folder)")
        console.emit(["folder": .text(folder), "fetched": true])
      case .alreadyPresent(let folder):
        console.say("\(name) is already in \(folder), complete and undamaged")
        console.emit(["folder": .text(folder), "fetched": false])
      }
    }
  }

  struct InfoCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
      commandName: "info",
      abstract: "Show which images training would use, and check every record.",
      discussion: """
        Example:
          isometry dataset info --data ~/cifar
        """)

    @OptionGroup var data: DataArguments
    @OptionGroup var form: OutputArguments

    func run(in environment: ProgramEnvironment) throws {
      let console = Console(isJSON: form.json)
      let source = try data.resolve(environment)
      console.say(source.explanation.inProgramTerms)
      for split in DatasetSplit.allCases {
        let dataset = try source.load(split)
        let classes = zip(dataset.classNames, dataset.imagesOfClasses)
        console.say(
          "\(split.rawValue): \(Wording.count(dataset.count)) images"
            + source.remark(onCount: dataset.count, of: split) + "; "
            + classes.map { "\($0) \(Wording.count($1))" }.joined(separator: ", "))
        console.emit([
          "split": .text(split.rawValue),
          "images": .integer(dataset.count),
          "origin": .text(dataset.origin),
          "mean": .array(dataset.normalization.mean.map { .number($0) }),
          "standard_deviation": .array(
            dataset.normalization.standardDeviation.map { .number($0) }),
          "classes": .array(classes.map { ["name": .text($0), "images": .integer($1)] }),
        ])
      }
    }
  }

  struct WriteSyntheticCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "write-synthetic",
      abstract: "Write the built-in pictures as binary batches in CIFAR-10's format.",
      discussion: """
        Example:
          isometry dataset write-synthetic pictures --train 20000
        """)

    /// They take some gigabytes; training holds all images in memory.
    private static let mostImages = 1_000_000

    @Argument(help: "The directory for \(CIFAR10.folderName).")
    var directory: String

    @Option(
      help: ArgumentHelp(
        "Number of training images, at least \(CIFAR10.trainFiles.count).", valueName: "n"))
    var train = SyntheticImages.trainCount

    @Option(help: ArgumentHelp("Number of test images.", valueName: "n"))
    var test = SyntheticImages.testCount

    @Option(help: ArgumentHelp("Seed of the pictures.", valueName: "n"))
    var seed: UInt64 = SyntheticImages.defaultSeed

    @OptionGroup var form: OutputArguments

    func validate() throws {
      try checkPath(directory, "the directory")
      for (option, count, least) in [
        ("--train", train, CIFAR10.trainFiles.count), ("--test", test, 1),
      ] {
        try checkRange(count, option, least...Self.mostImages)
      }
    }

    func run() throws {
      let console = Console(isJSON: form.json)
      // Drawing takes long.
      try CIFAR10.requireWritable(directory)
      let folder = try CIFAR10.write(
        train: SyntheticImages.drawn(.train, count: train, seed: seed),
        test: SyntheticImages.drawn(.test, count: test, seed: seed), to: directory)
      console.say(
        "\(Wording.count(train)) training and \(Wording.count(test)) test images are in \(folder)")
      console.emit([
        "folder": .text(folder), "train_images": .integer(train), "test_images": .integer(test),
      ])
    }
  }
}
