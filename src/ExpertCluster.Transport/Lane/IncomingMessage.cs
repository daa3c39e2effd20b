namespace ExpertCluster.Transport.Lane;

/// <summary>A message whose body arrives.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Item">What its header says: a frame, or an answer.</param>
/// <param name="Rows">Where the body goes.</param>
/// <param name="Held">What it counts on its link, header and body.</param>
internal sealed record IncomingMessage(ulong Id, IDisposable Item, RowBuffer Rows, long Held = 0)
{
    /// <summary>Bytes of the body that are here.</summary>
    public int Filled { get; set; }
}
