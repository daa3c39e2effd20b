using System.Diagnostics.CodeAnalysis;

namespace ExpertCluster.Transport.Lane;

/// <summary>Messages in turn, from whose midst any can be taken at once. The links are in the messages: nothing is allocated.</summary>
internal sealed class LaneQueue
{
    private LaneMessage? _first;
    private LaneMessage? _last;

    public void Enqueue(LaneMessage message)
    {
        (message.Queue, message.Previous, message.Next) = (this, _last, null);
        if (_last is null)
        {
            _first = message;
        }
        else
        {
            _last.Next = message;
        }

        _last = message;
    }

    public bool TryPeek([NotNullWhen(true)] out LaneMessage? message) => (message = _first) is not null;

    public bool TryDequeue([NotNullWhen(true)] out LaneMessage? message) => (message = _first) is not null && Remove(message);

    /// <summary>Takes one out; false when it is not in this queue.</summary>
    public bool Remove(LaneMessage message)
    {
        if (message.Queue != this)
        {
            return false;
        }

        if (message.Previous is { } previous)
        {
            previous.Next = message.Next;
        }
        else
        {
            _first = message.Next;
        }

        if (message.Next is { } next)
        {
            next.Previous = message.Previous;
        }
        else
        {
            _last = message.Previous;
        }

        (message.Queue, message.Previous, message.Next) = (null, null, null);
        return true;
    }

    public void Clear()
    {
        while (TryDequeue(out var message))
        {
            message.Dispose();
        }
    }
}
