using System.Buffers;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace ExpertCluster.Models.Tokenization.SentencePiece;

/// <summary>A SentencePiece model, BPE or Unigram, with SentencePiece's own treatment of spaces, bytes and special pieces.</summary>
internal sealed class SentencePieceTextTokenizer : ITextTokenizer
{
    private readonly SentencePieceModel _model;
    private readonly TokenMatcher _userDefined;
    private readonly SentencePieceNormalizer _normalizer;
    private readonly SentencePieceBpe _bpe;
    private readonly Lazy<SentencePieceTokenizer> _unigram;

    public SentencePieceTextTokenizer(SentencePieceModel model)
    {
        _model = model;
        _userDefined = UserDefined(model);
        _normalizer = new SentencePieceNormalizer(model.Settings, _userDefined);
        _bpe = new SentencePieceBpe(model);

        // The library's tables take many times the file; who only decodes never pays for them.
        _unigram = new(() => LibraryModel.Create(model));
    }

    public int VocabularySize => _model.Pieces.Count;

    /// <summary>The model's settings, which decoding follows.</summary>
    public SentencePieceSettings Settings => _model.Settings;

    public IReadOnlyList<int> Encode(string text, bool addSpecialTokens = true)
    {
        var ids = new List<int>();
        if (addSpecialTokens && _model.BeginId >= 0) ids.Add(_model.BeginId);
        var normalized = _normalizer.Normalize(Utf8Text.WellFormed(text));
        int done = 0;

        // User-defined pieces are never merged with what is beside them; in Unigram models the search itself prefers them.
        while (_model.Settings.IsBpe && !_userDefined.IsEmpty
            && _userDefined.Find(normalized, done, out int start, out int length, out int id))
        {
            EncodePlain(normalized[done..start], ids);
            ids.Add(id);
            done = start + length;
        }

        EncodePlain(done == 0 ? normalized : normalized[done..], ids);
        return ids;
    }

    public void AppendBytes(int id, IBufferWriter<byte> utf8)
    {
        switch (KindOf(id))
        {
            case PieceKind.Byte:
                utf8.Write([SentencePieceModel.ByteOf(_model.Pieces[id])]);
                break;
            case PieceKind.Unknown:
                Encoding.UTF8.GetBytes(_model.Settings.UnknownSurface, utf8);
                break;
            case PieceKind.Normal or PieceKind.UserDefined or PieceKind.Unused:
                Encoding.UTF8.GetBytes(PieceText(id).Replace(SentencePieceNormalizer.Space, ' '), utf8);
                break;
        }
    }

    public string Decode(IEnumerable<int> ids) => new SentencePieceDetokenizer(this, continuation: false).DecodeAll(ids);

    public bool IsSpecial(int id) => id >= 0 && KindOf(id) == PieceKind.Control;

    public Detokenizer StartDecoding(bool continuation = false) => new SentencePieceDetokenizer(this, continuation);

    /// <summary>What a piece is; null for an id the model does not define.</summary>
    internal PieceKind? KindOf(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        return id < _model.Kinds.Length ? _model.Kinds[id] : null;
    }

    internal string PieceText(int id) => Encoding.UTF8.GetString(_model.Pieces[id]);

    private void EncodePlain(string text, List<int> ids)
    {
        if (text.Length == 0) return;
        bool afterUnknown = false;
        void Add(int id, ReadOnlySpan<byte> piece)
        {
            bool unknown = id == _model.UnknownId;
            if (unknown && _model.Settings.ByteFallback)
                foreach (byte value in piece) ids.Add(_model.IdOfByte[value]);
            else if (!(unknown && afterUnknown)) ids.Add(id); // A run of unknown characters is one unknown piece.
            afterUnknown = unknown;
        }

        if (_model.Settings.IsBpe) _bpe.Encode(text, Add);
        else
        {
            foreach (var token in _unigram.Value.EncodeToTokens(text, out _, addBeginningOfSentence: false, addEndOfSentence: false,
                considerPreTokenization: false, considerNormalization: false))
                Add(token.Id, Encoding.UTF8.GetBytes(text[token.Offset]));
        }
    }

    private static TokenMatcher UserDefined(SentencePieceModel model)
    {
        var ids = new List<int>();
        for (int id = 0; id < model.Kinds.Length; id++)
            if (model.Kinds[id] == PieceKind.UserDefined) ids.Add(id);
        var texts = ids.ConvertAll(id => Encoding.UTF8.GetString(model.Pieces[id]));
        int tooLong = texts.FindIndex(text => text.Length > TokenMatcher.MaxLength);
        if (tooLong >= 0)
            throw new TokenizerException(model.File, $"pieces[{ids[tooLong]}].piece", $"is a user-defined piece longer than {TokenMatcher.MaxLength} characters.");
        return new TokenMatcher([.. texts], [.. ids]);
    }
}
