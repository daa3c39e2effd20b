using System.Text;

namespace ExpertCluster.Models.Tokenization.SentencePiece;

/// <summary>
/// SentencePiece's normalisation (normalizer.cc): character map, whitespace clean-up, dummy prefix, and U+2581 for a space. Ours because
/// the library's differs for BPE models (no character map, one-letter texts vanish).
/// </summary>
internal sealed class SentencePieceNormalizer(SentencePieceSettings settings, TokenMatcher userDefined)
{
    /// <summary>What a space is written as in pieces.</summary>
    public const char Space = '\u2581';

    private readonly char _space = settings.EscapeWhitespaces ? Space : ' ';

    /// <summary>Normalises text that has no unpaired surrogate.</summary>
    public string Normalize(string text)
    {
        if (text.Length == 0) return "";
        var output = new Output(this, text.Length + 1);
        int done = 0;
        while (!userDefined.IsEmpty && userDefined.Find(text, done, out int start, out int length, out _))
        {
            AddMapped(text.AsSpan(done, start - done), output);
            output.Add(text.AsSpan(start, length));
            done = start + length;
        }

        AddMapped(text.AsSpan(done), output);
        return output.Finish();
    }

    private void AddMapped(ReadOnlySpan<char> text, Output output)
    {
        if (settings.Map is null)
        {
            for (int i = 0; i < text.Length; i++) output.Add(text.Slice(i, 1));
            return;
        }

        var bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        Span<char> units = stackalloc char[2];
        for (var rest = bytes.AsSpan(); rest.Length > 0;)
        {
            int used = settings.Map.Match(rest, out var replacement);
            if (used > 0) output.Add(Encoding.UTF8.GetString(replacement));
            else
            {
                Rune.DecodeFromUtf8(rest, out var rune, out used);
                output.Add(units[..rune.EncodeToUtf16(units)]);
            }

            rest = rest[used..];
        }
    }

    private sealed class Output(SentencePieceNormalizer owner, int capacity)
    {
        private readonly StringBuilder _text = new(capacity);
        private readonly SentencePieceSettings _settings = owner.Settings;
        private bool _started;
        private bool _afterSpace = owner.Settings.RemoveExtraWhitespaces;

        public void Add(ReadOnlySpan<char> chunk)
        {
            if (_afterSpace) chunk = chunk.TrimStart(' ');
            if (!_started)
            {
                // Leading spaces are gone now if they are to go; a text of nothing else gives nothing.
                if (chunk.IsEmpty && _settings.RemoveExtraWhitespaces) return;
                _started = true;
                if (_settings is { AddDummyPrefix: true, WhitespaceAsSuffix: false }) _text.Append(owner._space);
            }

            if (chunk.IsEmpty) return;
            foreach (char unit in chunk) _text.Append(unit == ' ' ? owner._space : unit);
            _afterSpace = _settings.RemoveExtraWhitespaces && chunk[^1] == ' ';
        }

        public string Finish()
        {
            if (!_started) return "";
            if (_settings.RemoveExtraWhitespaces)
                while (_text.Length > 0 && _text[^1] == owner._space) _text.Length--;
            if (_settings is { AddDummyPrefix: true, WhitespaceAsSuffix: true }) _text.Append(owner._space);
            return _text.ToString();
        }
    }

    private SentencePieceSettings Settings => settings;
}
