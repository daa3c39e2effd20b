namespace ExpertCluster.Contracts;

/// <summary>Element type of rows between nodes. The numbers travel.</summary>
public enum RowType
{
    /// <summary>IEEE single precision; what everybody understands.</summary>
    Float32 = 0,

    /// <summary>The upper half of it: half the bytes, for experts that compute in it.</summary>
    BFloat16 = 1,
}
