using System.Net.Sockets;
using System.Text.Json.Nodes;
using ExpertCluster.Client;
using ExpertCluster.Cluster.Hosting;
using ExpertCluster.Contracts;
using ExpertCluster.Models;
using ExpertCluster.Models.Tokenization;
using ExpertCluster.Tensors;
using ExpertCluster.Tensors.Checkpoints;
using Microsoft.Extensions.Options;

namespace ExpertCluster.Cli.Output;

/// <summary>Turns what a command threw into one line, and the exit code that tells the truth.</summary>
internal static class Failure
{
    /// <summary>Runs a command's body; whatever it throws is reported.</summary>
    public static async Task<int> GuardAsync(bool json, Func<Task<int>> body)
    {
        // Whoever waits for a signal meanwhile must have a task to wait for, however long the body's first steps take.
        await Task.Yield();
        try
        {
            return await body();
        }
        catch (Exception e)
        {
            return Report(e, json);
        }
    }

    /// <summary>Prints the error: a line on standard error, and with <paramref name="json"/> an object on standard output.</summary>
    /// <returns>2 when the call or its input was wrong, 130 when interrupted, 1 otherwise.</returns>
    public static int Report(Exception exception, bool json)
    {
        var error = Unwrap(exception);
        var (code, message) = Describe(error);
        message = message.ReplaceLineEndings(" ");
        Console.Error.WriteLine($"error: {message}");
        if (json)
        {
            Json.Print(new JsonObject { ["error"] = message }, [Check.That("completed", false)]);
        }

        return code;
    }

    private static Exception Unwrap(Exception error)
    {
        while (error is AggregateException { InnerException: { } inner })
        {
            error = inner;
        }

        return error;
    }

    private static (int Code, string Message) Describe(Exception error)
    {
        if (error is PortUnavailableException)
        {
            return (1, error.Message);
        }

        // What matters may sit below a library's own exceptions, as with a port that is taken.
        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse })
            {
                return (1, $"The port is in use: {error.Message}");
            }
        }

        return error switch
        {
            ArgumentOutOfRangeException range => (2, Plain(range)),
            UsageException or CheckpointException or ModelException or TokenizerException or InvalidRequestException
                or ModelNotFoundException or InvalidDataException or FileNotFoundException
                or DirectoryNotFoundException => (2, error.Message),
            OptionsValidationException invalid => (2, string.Join("; ", invalid.Failures)),
            RequestFailedException { Error: RequestError.InvalidRequest } => (2, error.Message),
            OperationCanceledException => (130, "interrupted"),
            InvalidOperationException or JoinFailedException or ExpertClusterException or LibTorchNotFoundException or RequestFailedException
                or NotFiniteNumberException or IOException => (1, error.Message),
            _ => (1, $"{error.GetType().Name}: {error.Message}"),
        };
    }

    /// <summary>Without the framework's names for things.</summary>
    private static string Plain(ArgumentOutOfRangeException error)
    {
        var text = error.Message.Split(" (Parameter", 2)[0];
        return error.ActualValue is null ? text : $"{text}; it is {error.ActualValue}";
    }
}
