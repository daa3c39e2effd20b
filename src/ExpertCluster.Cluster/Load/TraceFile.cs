using System.Text;
using System.Text.Json;

namespace ExpertCluster.Cluster.Load;

/// <summary>One model's trace, as lines of JSON: what it is of, then the rows of each layer as they come. Not for several threads at once.</summary>
internal sealed class TraceFile : IDisposable
{
    /// <summary>Version of the lines.</summary>
    public const int Version = 1;

    private readonly FileStream _stream;
    private readonly MemoryStream _line = new();
    private List<DemandCounter> _layers = [];

    /// <summary>Makes the file and writes its first line.</summary>
    /// <exception cref="InvalidDataException">It can not be made; the message names it.</exception>
    public TraceFile(string path, TracedModel model)
    {
        (Path, Model) = (path, model.Name);
        try
        {
            _stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read);
            Write(json =>
            {
                json.WriteString("trace", "expertcluster-router");
                json.WriteNumber("version", Version);
                json.WriteString("model", model.Name);
                Numbers(json, "layers", model.Layers.Select(layer => (long)layer));
                json.WriteNumber("experts", model.Experts);
                json.WriteNumber("expert_bytes", model.ExpertBytes);
            });
            _stream.Flush();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            _stream?.Dispose();
            throw new InvalidDataException($"{path}: the trace can not be recorded there (ExpertCluster:Load:RecordPath): {e.Message}", e);
        }
    }

    public string Path { get; }

    public string Model { get; }

    /// <summary>The file of a model: with several, its name stands before the extension.</summary>
    public static string PathOf(string path, string model, int models) => models == 1
        ? path
        : System.IO.Path.Combine(
            System.IO.Path.GetDirectoryName(path) ?? "",
            $"{System.IO.Path.GetFileNameWithoutExtension(path)}.{model}{System.IO.Path.GetExtension(path)}");

    /// <summary>From now on rows of these routers are recorded.</summary>
    public void Watch(RoutedModel routed) => _layers = [.. routed.Layers.OrderBy(l => l.Key).Select(l => new DemandCounter(l.Key, l.Value))];

    /// <summary>Writes a line for each layer that changed.</summary>
    /// <param name="at">Time since recording began.</param>
    public void Record(TimeSpan at)
    {
        var any = false;
        foreach (var layer in _layers.Where(layer => layer.Take()))
        {
            any = true;
            Write(json =>
            {
                json.WriteNumber("t", Math.Round(at.TotalSeconds, 3));
                json.WriteNumber("layer", layer.Layer);
                Numbers(json, "prefill", layer.Prefill);
                Numbers(json, "decode", layer.Decode);
            });
        }

        if (any)
        {
            _stream.Flush();
        }
    }

    public void Dispose()
    {
        try
        {
            _stream.Dispose();
        }
        catch (IOException)
        {
            // What could not be written was told when it could not.
        }
    }

    private static void Numbers(Utf8JsonWriter json, string name, IEnumerable<long> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteNumberValue(value);
        }

        json.WriteEndArray();
    }

    private void Write(Action<Utf8JsonWriter> properties)
    {
        _line.SetLength(0);
        using (var json = new Utf8JsonWriter(_line))
        {
            json.WriteStartObject();
            properties(json);
            json.WriteEndObject();
        }

        _line.Write(Encoding.UTF8.GetBytes("\n"));
        _stream.Write(_line.GetBuffer(), 0, (int)_line.Length);
    }
}
