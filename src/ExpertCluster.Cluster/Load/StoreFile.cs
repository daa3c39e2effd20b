using System.Globalization;
using ExpertCluster.Contracts;
using Microsoft.Data.Sqlite;

namespace ExpertCluster.Cluster.Load;

/// <summary>The file of a store, which this process alone has open. Not for several threads at once.</summary>
internal sealed class StoreFile : IDisposable
{
    /// <summary>Version of the tables; a file of a newer one is not read.</summary>
    public const int Version = 1;

    private const string Tables = """
        CREATE TABLE IF NOT EXISTS load(model TEXT, fingerprint TEXT, message BLOB NOT NULL, PRIMARY KEY(model, fingerprint));
        CREATE TABLE IF NOT EXISTS placement(model TEXT, layer INTEGER, fingerprint TEXT NOT NULL, message BLOB NOT NULL, PRIMARY KEY(model, layer));
        CREATE TABLE IF NOT EXISTS decision(
            id INTEGER PRIMARY KEY, at INTEGER NOT NULL, model TEXT NOT NULL, epoch INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
            reason TEXT NOT NULL, numbers TEXT NOT NULL, plan TEXT);
        """;

    private readonly SqliteConnection _connection;

    private StoreFile(SqliteConnection connection) => _connection = connection;

    /// <summary>Opens a file, or makes one. It is locked until it is disposed of.</summary>
    /// <exception cref="SqliteException">It can not be opened; see <see cref="IsDamage"/>.</exception>
    /// <exception cref="InvalidDataException">It is of a newer version.</exception>
    /// <exception cref="IOException">Its directory can not be made.</exception>
    public static StoreFile Open(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Pooling = false,
            DefaultTimeout = 1,
        }.ToString());
        try
        {
            connection.Open();
            var file = new StoreFile(connection);

            // The first statement takes the lock, and with it the whole file is ours.
            file.Run("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = NORMAL; BEGIN EXCLUSIVE; COMMIT;");
            var version = Convert.ToInt64(file.Scalar("PRAGMA user_version"), CultureInfo.InvariantCulture);
            if (version > Version)
            {
                throw new InvalidDataException($"it has version {version} and this program reads up to {Version}");
            }

            if (file.Scalar("PRAGMA quick_check(1)") is not "ok")
            {
                throw new InvalidDataException("it is damaged");
            }

            file.Run($"{Tables} PRAGMA user_version = {Version};");
            return file;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Whether an error means that the file is no good, and not only out of reach.</summary>
    public static bool IsDamage(Exception error) => error is InvalidDataException or InvalidCastException or SqliteException { SqliteErrorCode: 11 or 26 or 1 };

    /// <summary>Everything. Entries that can not be read any more are left out.</summary>
    public StoredState Read(int decisions)
    {
        List<LoadSnapshot> loads = [];
        List<(string, LayerPlacement)> placements = [];
        List<Decision> history = [];
        using (var read = Command("SELECT message FROM load"))
        using (var rows = read.ExecuteReader())
        {
            while (rows.Read())
            {
                if (Message<LoadSnapshot>(rows.GetFieldValue<byte[]>(0)) is { } load)
                {
                    loads.Add(load);
                }
            }
        }

        using (var read = Command("SELECT fingerprint, message FROM placement ORDER BY model, layer"))
        using (var rows = read.ExecuteReader())
        {
            while (rows.Read())
            {
                if (Message<LayerPlacement>(rows.GetFieldValue<byte[]>(1)) is { } placement)
                {
                    placements.Add((rows.GetString(0), placement));
                }
            }
        }

        using (var read = Command("SELECT id, at, model, epoch, kind, subject, reason, numbers, plan FROM decision ORDER BY id DESC LIMIT $0", decisions))
        using (var rows = read.ExecuteReader())
        {
            while (rows.Read())
            {
                history.Add(new Decision(
                    rows.GetInt64(0), DateTimeOffset.FromUnixTimeMilliseconds(rows.GetInt64(1)), rows.GetString(2), rows.GetInt64(3), rows.GetString(4),
                    rows.GetString(5), rows.GetString(6), rows.GetString(7))
                {
                    Plan = rows.IsDBNull(8) ? null : rows.GetString(8),
                });
            }
        }

        history.Reverse();
        return new StoredState(loads, placements, history);
    }

    /// <summary>Several changes, all or none.</summary>
    public void Write(IEnumerable<Action<StoreFile>> changes)
    {
        using var transaction = _connection.BeginTransaction();
        foreach (var change in changes)
        {
            change(this);
        }

        transaction.Commit();
    }

    public void Put(LoadSnapshot load) => Run(
        "INSERT OR REPLACE INTO load VALUES($0, $1, $2)", load.Model, load.Fingerprint, MessageCodec.ToBytes(load));

    public void Put(string fingerprint, LayerPlacement placement) => Run(
        "INSERT OR REPLACE INTO placement VALUES($0, $1, $2, $3)", placement.Model, placement.Layer, fingerprint, MessageCodec.ToBytes(placement));

    /// <summary>Adds a decision, and drops those that are too many.</summary>
    public void Put(Decision decision, int most)
    {
        Run(
            "INSERT OR REPLACE INTO decision VALUES($0, $1, $2, $3, $4, $5, $6, $7, $8)", decision.Id, decision.At.ToUnixTimeMilliseconds(), decision.Model,
            decision.Epoch, decision.Kind, decision.Subject, decision.Reason, decision.NumbersJson, decision.Plan);
        Run("DELETE FROM decision WHERE id <= $0", decision.Id - most);
    }

    /// <summary>Lets the file not grow beyond so many pages, as on a full disk.</summary>
    public void LimitPages(int pages) => Scalar($"PRAGMA max_page_count = {pages}");

    public void Dispose() => _connection.Dispose();

    private static T? Message<T>(byte[] bytes)
        where T : class, IClusterMessage
    {
        try
        {
            return MessageCodec.FromBytes(bytes, MessageCodec.ManifestOf(typeof(T))) as T;
        }
        catch (MessagePack.MessagePackSerializationException)
        {
            return null;
        }
    }

    private SqliteCommand Command(string text, params ReadOnlySpan<object?> values)
    {
        var command = _connection.CreateCommand();
        command.CommandText = text;
        for (var i = 0; i < values.Length; i++)
        {
            command.Parameters.AddWithValue(string.Create(CultureInfo.InvariantCulture, $"${i}"), values[i] ?? DBNull.Value);
        }

        return command;
    }

    private void Run(string text, params ReadOnlySpan<object?> values)
    {
        using var command = Command(text, values);
        command.ExecuteNonQuery();
    }

    private object? Scalar(string text)
    {
        using var command = Command(text);
        return command.ExecuteScalar();
    }
}
