import CUDARuntime
import Foundation
import IsometryCPU
import IsometryCore
import IsometryData
import IsometryFiles
import IsometryGraph
import OpenCLRuntime

/// One thing that the program needs of the machine, and whether it is there.
struct MachineCheck {
  enum State: String {
    case good
    /// Works with a restriction.
    case limited
    case broken

    var mark: String {
      switch self {
      case .good: "ok"
      case .limited: "!"
      case .broken: "✗"
      }
    }

    var ink: Ink {
      switch self {
      case .good: .green
      case .limited: .yellow
      case .broken: .red
      }
    }
  }

  let subject: String
  let state: State
  let finding: String
  /// What to do; nil if there is nothing to do.
  let advice: String?

  init(_ subject: String, _ state: State, _ finding: String, advice: String? = nil) {
    (self.subject, self.state, self.finding, self.advice) = (subject, state, finding, advice)
  }

  static func all(_ environment: ProgramEnvironment) -> [MachineCheck] {
    [machine, cpu] + cuda(environment) + drivers() + platforms() + devices(environment) + programs
      + [data(environment), memory, folder("runs", ".", holds: "runs"), cache(environment)]
  }

  private static var machine: MachineCheck {
    MachineCheck("machine", .good, MachineDescription.text)
  }

  private static var cpu: MachineCheck {
    MachineCheck("device", .good, "cpu: \(CPUBackend().deviceDescription)")
  }

  // MARK: OpenCL

  private static func drivers() -> [MachineCheck] {
    let folder =
      ProcessInfo.processInfo.environment[RegisteredDriver.folderVariable]
      ?? RegisteredDriver.defaultFolder
    let drivers = RegisteredDriver.all(in: folder)
    if drivers.isEmpty {
      return [
        MachineCheck(
          "driver", .limited, "\(folder) registers no OpenCL driver",
          advice:
            "for a GPU, install its driver with the OpenCL part; for NVIDIA's in a container, see "
            + "docs/troubleshooting.md; \(RegisteredDriver.folderVariable) names another folder")
      ]
    }
    return drivers.map { driver in
      guard let failure = driver.failure else {
        return MachineCheck("driver", .good, "\(driver.path): \(driver.library ?? "") loads")
      }
      return MachineCheck(
        "driver", .broken, "\(driver.path): \(failure)",
        advice: "install the driver again, or remove the file")
    }
  }

  /// CUDA's driver, if it is there: what it lacks for `--device cuda`.
  private static func cuda(_ environment: ProgramEnvironment) -> [MachineCheck] {
    do {
      let devices = try CUDADevice.all(nvrtc: environment.nvrtc)
      return devices.prefix(1).map { MachineCheck("cuda", .good, $0.driver) }
    } catch let error as CUDAUnavailable where !error.isDriverThere {
      return []
    } catch {
      return [MachineCheck("cuda", .limited, errorText(of: error))]
    }
  }

  private static func platforms() -> [MachineCheck] {
    do {
      return try Platform.all().map { platform in
        let count = try platform.devices().count
        if count > 0 {
          return MachineCheck(
            "platform", .good,
            "\(platform.name), \(platform.version): \(count) device\(count == 1 ? "" : "s")")
        }
        return MachineCheck(
          "platform", .broken, "\(platform.name) shows no device",
          advice: platform.keepsKernels
            ? "PoCL hides its device if it cannot write its cache; set POCL_CACHE_DIR to a folder that "
              + "you can write"
            : "check that its kernel driver runs and that you may use the device")
      }
    } catch {
      return [
        MachineCheck(
          "platform", .broken, "OpenCL does not answer: \(errorText(of: error))",
          advice: "install the driver again, or use --device cpu")
      ]
    }
  }

  private static func devices(_ environment: ProgramEnvironment) -> [MachineCheck] {
    [DeviceDriver.cuda, .openCL].flatMap { driver in
      (try? RuntimeDevices(driver, environment)).map { devices(of: $0) } ?? []
    }
  }

  private static func devices(of devices: RuntimeDevices) -> [MachineCheck] {
    devices.numbers.map { number in
      do {
        let backend = try devices.backend(number: number)
        return MachineCheck("device", .good, "\(backend.name): \(backend.deviceDescription)")
      } catch {
        return MachineCheck(
          "device", .broken,
          "\(devices.label(of: number)), \(devices.name(of: number)): \(errorText(of: error))",
          advice: "update the driver, or use another --device")
      }
    }
  }

  // MARK: Programs, data and memory

  private static var programs: [MachineCheck] {
    let fetch = "isometry dataset fetch needs it"
    return [
      ("gnuplot", "gnuplot", "plots as SVG need it"), ("curl", "curl", fetch),
      ("tar", "tar", fetch),
      ("md5sum", "coreutils", fetch),
    ].map { name, package, need in
      let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
      if let folder = folders.first(where: {
        FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
      }) {
        return MachineCheck("program", .good, "\(folder)/\(name)")
      }
      return MachineCheck(
        "program", .limited, "\(name) is missing: \(need)", advice: "install the package \(package)"
      )
    }
  }

  private static func data(_ environment: ProgramEnvironment) -> MachineCheck {
    do {
      let source = try DatasetSource.resolve(option: nil, environment: environment.data)
      let counts = try DatasetSplit.allCases.map { split in
        "\(Wording.count(try source.imageCount(of: split))) to \(split.rawValue)"
      }
      return MachineCheck(
        "data", source.kind == .synthetic ? .limited : .good,
        "\(source.explanation.inProgramTerms): \(counts.joined(separator: ", "))")
    } catch {
      return MachineCheck(
        "data", .broken, errorText(of: error),
        advice: environment.data == nil
          ? "repair or remove ./\(DatasetSource.defaultDirectory), or name other images with --data"
          : "unset ISOMETRY_DATA, or repair the folder that it names")
    }
  }

  private static let enoughMemory = 2 << 30

  private static var memory: MachineCheck {
    let free = FreeMemory.byteCount
    let isEnough = free >= enoughMemory
    return MachineCheck(
      "memory", isEnough ? .good : .limited, "\(Wording.bytes(free)) are free for this process",
      advice: isEnough
        ? nil
        : "take smaller networks and batches, or raise the limits of the shell or the container")
  }

  // MARK: Folders

  private static func cache(_ environment: ProgramEnvironment) -> MachineCheck {
    guard let path = environment.cacheDirectory else {
      return MachineCheck(
        "cache", .limited, "neither HOME nor XDG_CACHE_HOME names a folder for compiled kernels",
        advice:
          "set ISOMETRY_CACHE_DIR to a folder; until then every run compiles its kernels again")
    }
    return folder("cache", path, holds: "compiled kernels")
  }

  private static let enoughSpace = 1 << 30

  /// - Parameter path: a folder, which need not exist if it can be made.
  private static func folder(_ subject: String, _ path: String, holds: String) -> MachineCheck {
    var url = URL(filePath: path).standardizedFileURL
    while !FileManager.default.fileExists(atPath: url.path), url.path != "/" {
      url.deleteLastPathComponent()
    }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder),
      isFolder.boolValue,
      FileManager.default.isWritableFile(atPath: url.path)
    else {
      return MachineCheck(
        subject, .limited, "\(url.path) cannot be written and holds no \(holds)",
        advice: subject == "cache"
          ? "set ISOMETRY_CACHE_DIR to a folder that you can write"
          : "change to another folder, or name one with --output")
    }
    let space = try? FileManager.default.attributesOfFileSystem(forPath: url.path)[.systemFreeSize]
    guard let free = (space as? NSNumber)?.intValue else {
      return MachineCheck(subject, .good, "\(url.path) for \(holds)")
    }
    let isEnough = free >= enoughSpace
    return MachineCheck(
      subject, isEnough ? .good : .limited,
      "\(url.path) for \(holds): \(Wording.bytes(free)) are free on its disk",
      advice: isEnough ? nil : "make room; a checkpoint of ResNet-18 takes about 130 MB")
  }
}
