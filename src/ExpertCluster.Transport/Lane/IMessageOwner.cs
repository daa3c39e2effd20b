namespace ExpertCluster.Transport.Lane;

/// <summary>Whoever counts a message on its way out.</summary>
internal interface IMessageOwner
{
    /// <summary>It was sent, or never will be: its buffers are free. Called once, perhaps with the writer's lock held; takes no other writer's.</summary>
    void Left(LaneMessage message);
}
