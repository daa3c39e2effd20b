namespace ExpertCluster.Models.Tokenization.SentencePiece;

/// <summary>What a SentencePiece piece is; the values are those of the file format.</summary>
internal enum PieceKind : byte
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}
