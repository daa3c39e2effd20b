using System.Globalization;

namespace ExpertCluster.Cluster.Configuration;

/// <summary>Collects what is wrong with options, each with key, value and what is allowed.</summary>
internal sealed class OptionsErrors
{
    private readonly List<string> _messages = [];

    public IReadOnlyList<string> Messages => _messages;

    public void Add(string key, object? value, string rule) =>
        _messages.Add(string.Create(CultureInfo.InvariantCulture, $"{ExpertClusterOptions.Section}:{key} = {value}: {rule}"));

    public void Range<T>(string key, T value, T least, T most)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0 || value is double.NaN)
        {
            Add(key, value, string.Create(CultureInfo.InvariantCulture, $"must be {least} to {most}"));
        }
    }

    public void NotEmpty(string key, string? value)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            Add(key, value, "must not be empty");
        }
    }

    public void HostPort(string key, string value)
    {
        var colon = value.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(value.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is < 1 or > 65535)
        {
            Add(key, value, "must be HOST:PORT with a port of 1 to 65535");
        }
    }
}
