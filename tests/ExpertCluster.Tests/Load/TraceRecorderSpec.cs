using System.Text.Json;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Load;
using ExpertCluster.Cluster.Routing;
using ExpertCluster.Tests.Tensors;
using ExpertCluster.Tests.Transport;
using Microsoft.Extensions.Logging.Abstractions;

namespace ExpertCluster.Tests.Load;

public sealed class TraceRecorderSpec : IDisposable
{
    private static readonly TracedModel Folio = new("folio-moe", [1, 3], 4, 123456);

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Rows_are_recorded_as_they_come_and_once()
    {
        var (path, time) = (_folder["trace.jsonl"], Loads.Clock());
        var layers = new Dictionary<int, RouterStatistics> { [1] = new(4), [3] = new(4) };
        using (var recorder = TraceRecorder.Open(new LoadOptions { RecordPath = path }, [Folio], time, NullLogger.Instance)!)
        {
            LoadMeterSpec.Answer(layers[1], 0, []);
            recorder.Start([new RoutedModel("folio-moe", layers)]);
            time.Advance(TimeSpan.FromMilliseconds(250));
            time.Advance(TimeSpan.FromMilliseconds(250));
            LoadMeterSpec.Answer(layers[3], 2, [true, false, false]);
            LoadMeterSpec.Answer(layers[1], 3, []);
            time.Advance(TimeSpan.FromMilliseconds(250));
            LoadMeterSpec.Answer(layers[1], 1, [true, true, true]);
            time.Advance(TimeSpan.FromMilliseconds(50));
        }

        File.ReadAllLines(path).Should().Equal(
            """{"trace":"expertcluster-router","version":1,"model":"folio-moe","layers":[1,3],"experts":4,"expert_bytes":123456}""",
            """{"t":0.25,"layer":1,"prefill":[3,0,0,0],"decode":[0,0,0,0]}""",
            """{"t":0.75,"layer":1,"prefill":[0,0,0,3],"decode":[0,0,0,0]}""",
            """{"t":0.75,"layer":3,"prefill":[0,0,2,0],"decode":[0,0,1,0]}""",
            """{"t":0.8,"layer":1,"prefill":[0,0,0,0],"decode":[0,3,0,0]}""");
    }

    [Fact]
    public void Several_models_have_a_file_each_and_a_file_that_is_there_is_written_anew()
    {
        var path = _folder["trace.jsonl"];
        File.WriteAllText(_folder["trace.folio-moe.jsonl"], new string('x', 1000));
        TraceRecorder.Open(new LoadOptions { RecordPath = path }, [Folio, Folio with { Name = "other" }], Loads.Clock(), NullLogger.Instance)!.Dispose();
        File.Exists(path).Should().BeFalse();
        foreach (var model in new[] { "folio-moe", "other" })
        {
            var line = File.ReadAllLines(_folder[$"trace.{model}.jsonl"]).Should().ContainSingle().Which;
            JsonDocument.Parse(line).RootElement.GetProperty("model").GetString().Should().Be(model);
        }
    }

    [Fact]
    public void A_file_that_can_not_be_made_is_named()
    {
        var path = Path.Combine(_folder["no"], "such", "trace.jsonl");
        FluentActions.Invoking(() => TraceRecorder.Open(new LoadOptions { RecordPath = path }, [Folio], Loads.Clock(), NullLogger.Instance))
            .Should().Throw<InvalidDataException>().WithMessage($"{path}:*Load:RecordPath*");
    }

    [Fact]
    public void A_disk_that_is_full_ends_the_recording_with_one_warning()
    {
        if (!File.Exists("/dev/full"))
        {
            return;
        }

        // What the first line takes is still in the stream's buffer when the file is opened; flushing it fails.
        FluentActions.Invoking(() => TraceRecorder.Open(new LoadOptions { RecordPath = "/dev/full" }, [Folio], Loads.Clock(), new RecordingLogger()))
            .Should().Throw<InvalidDataException>().WithMessage("/dev/full:*");
    }

    [Fact]
    public void Nothing_is_recorded_where_nobody_asked() =>
        TraceRecorder.Open(new LoadOptions(), [Folio], Loads.Clock(), NullLogger.Instance).Should().BeNull();
}
