using System.Text.Json.Nodes;
using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.Tests.Models.Families;

/// <summary>A tiny random checkpoint: what is written, and beside it the same weights in float64 under separate names.</summary>
internal sealed class TinyModel
{
    private readonly List<TensorToWrite> _written = [];
    private readonly Random _random;

    public TinyModel(string config, int seed)
    {
        Config = JsonNode.Parse(config)!.AsObject();
        _random = new Random(seed);
    }

    public JsonObject Config { get; }

    /// <summary>Weights as the plain implementation uses them.</summary>
    public Dictionary<string, double[]> Weights { get; } = [];

    /// <summary>Rows and columns of an FP8 block; null to write float32.</summary>
    public (int Rows, int Columns)? Float8 { get; init; }

    public int Int(string key, int absent = 0) => Config[key]?.GetValue<int>() ?? absent;

    public bool Flag(string key, bool absent = false) => Config[key]?.GetValue<bool>() ?? absent;

    public void Write(string folder)
    {
        File.WriteAllText(Path.Combine(folder, "config.json"), Config.ToJsonString());
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), [.. _written]);
    }

    /// <summary>A matrix [rows,columns] of variance 1 ÷ columns.</summary>
    public void Matrix(string name, int rows, int columns, bool quantised = true)
    {
        if (quantised && Float8 is { } block)
        {
            Matrix8(name, rows, columns, block);
            return;
        }

        Floats(name, [rows, columns], Numbers(rows * columns, 0, Math.Sqrt(3.0 / columns)));
    }

    public void Norm(string name, int width) => Floats(name, [width], Numbers(width, 1, 0.3));

    public void Bias(string name, int width) => Floats(name, [width], Numbers(width, 0, 0.5));

    /// <summary>Adds a tensor to the file.</summary>
    public void Floats(string name, long[] shape, float[] values)
    {
        _written.Add(TensorToWrite.Floats(name, shape, values));
        Weights[name] = [.. values.Select(v => (double)v)];
    }

    /// <summary>Takes a tensor out of the file.</summary>
    public void Remove(string name) => _written.RemoveAll(t => t.Name == name);

    /// <summary>Takes matrices back out of the file and writes them as one, one above the other.</summary>
    public void Fuse(string name, long[] shape, params string[] parts)
    {
        _written.RemoveAll(t => parts.Contains(t.Name));
        _written.Add(TensorToWrite.Floats(name, shape, [.. parts.SelectMany(p => Weights[p]).Select(v => (float)v)]));
    }

    /// <summary>Random MXFP4 blocks [experts,rows,columns]; the plain implementation finds them under the name itself.</summary>
    public void Blocks4(string name, int experts, int rows, int columns)
    {
        double[] values4 = [0, 0.5, 1, 1.5, 2, 3, 4, 6];
        int blocks = experts * rows * columns / 32;
        var codes = new byte[blocks * 16];
        var scales = new byte[blocks];
        _random.NextBytes(codes);
        var values = new double[blocks * 32];
        for (int block = 0; block < blocks; block++)
        {
            scales[block] = (byte)_random.Next(122, 125);
            for (int i = 0; i < 32; i++)
            {
                int code = (codes[(block * 16) + (i / 2)] >> (i % 2 * 4)) & 15;
                values[(block * 32) + i] = (code >= 8 ? -1 : 1) * values4[code % 8] * Math.Pow(2, scales[block] - 127);
            }
        }

        Weights[name] = values;
        _written.Add(TensorToWrite.Bytes(name + "_blocks", TensorType.U8, [experts, rows, columns / 32, 16], codes));
        _written.Add(TensorToWrite.Bytes(name + "_scales", TensorType.U8, [experts, rows, columns / 32], scales));
    }

    public float[] Numbers(int count, double centre, double spread) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)(centre + (spread * ((2 * _random.NextDouble()) - 1))))];

    private void Matrix8(string name, int rows, int columns, (int Rows, int Columns) block)
    {
        int down = (rows + block.Rows - 1) / block.Rows;
        int across = (columns + block.Columns - 1) / block.Columns;
        float[] scales = Numbers(down * across, 0.3 / Math.Sqrt(columns), 0.1 / Math.Sqrt(columns));
        var codes = new byte[rows * columns];
        var values = new double[codes.Length];
        for (int i = 0; i < codes.Length; i++)
        {
            // Exponents of 2^−7 to 2^2, so that the least and the denormal ones occur too.
            codes[i] = (byte)((_random.Next(2) * 128) + _random.Next(80));
            int exponent = codes[i] / 8 % 16;
            double mantissa = codes[i] % 8 / 8.0;
            double size = exponent == 0 ? mantissa * Math.Pow(2, -6) : (1 + mantissa) * Math.Pow(2, exponent - 7);
            values[i] = (codes[i] >= 128 ? -size : size) * scales[(i / columns / block.Rows * across) + (i % columns / block.Columns)];
        }

        Weights[name] = values;
        _written.Add(TensorToWrite.Bytes(name, TensorType.F8E4M3, [rows, columns], codes));
        _written.Add(TensorToWrite.Floats(name + "_scale_inv", [down, across], scales));
    }
}
