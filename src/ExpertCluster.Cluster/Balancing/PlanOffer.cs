namespace ExpertCluster.Cluster.Balancing;

/// <summary>What a node makes of some experts that belong together.</summary>
/// <param name="Takes">How many it can take.</param>
/// <param name="Akin">How many of their group it holds already.</param>
/// <param name="LayerLoad">Its load within their layers, whose experts work at the same moment, once it has taken them.</param>
/// <param name="TotalLoad">Its load over all then.</param>
internal readonly record struct PlanOffer(int Takes, int Akin, double LayerLoad, double TotalLoad)
{
    /// <summary>Most together first; then least loaded, within the layers and then over all.</summary>
    public bool IsBetterThan(PlanOffer other)
    {
        if (Takes != other.Takes)
        {
            return Takes > other.Takes;
        }

        if (Akin != other.Akin)
        {
            return Akin > other.Akin;
        }

        return LayerLoad < other.LayerLoad || (LayerLoad == other.LayerLoad && TotalLoad < other.TotalLoad);
    }
}
